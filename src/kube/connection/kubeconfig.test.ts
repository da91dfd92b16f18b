import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isLarderError } from '../../kit/errors.ts';
import { parseKubeconfig } from './kubeconfig.ts';

function config({ cluster = '', user = '', current = 'here' } = {}): string {
  return `
apiVersion: v1
kind: Config
current-context: ${current}
contexts:
- name: here
  context: {cluster: c, user: u, namespace: n}
- name: there
  context: {cluster: broken}
clusters:
- name: broken
  cluster: {server: 7}
- name: c
  cluster:
    server: https://api.example:6443
    ${cluster}
users:
- name: u
  user:
    token: hunter2
    ${user}
`;
}

const parse = (text: string, context?: string) => parseKubeconfig(text, 'config', context);

test('gives the cluster, user and namespace of the context; nothing else has to be valid', () => {
  const { cluster, user, namespace } = parse(config());
  assert.deepEqual([cluster.server, user.token, namespace], ['https://api.example:6443', 'hunter2', 'n']);
});

const wrong: readonly (readonly [string, string, string | undefined, RegExp])[] = [
  [
    'a missing context',
    config({ current: 'gone' }),
    undefined,
    /^kubeconfig config: contexts: expected an entry named "gone", found: here, there$/,
  ],
  ['a server that is no URL', config(), 'there', /^kubeconfig config: clusters\[0\]\.cluster\.server: /],
  [
    'a proxy',
    config({ cluster: 'proxy-url: http://p' }),
    undefined,
    /clusters\[1\]\.cluster\.proxy-url: is not supported$/,
  ],
  [
    'an auth provider',
    config({ user: 'auth-provider: {name: gcp}' }),
    undefined,
    /users\[0\]\.user\.auth-provider: is not supported$/,
  ],
  ['impersonation', config({ user: 'as: admin' }), undefined, /users\[0\]\.user\.as: is not supported$/],
  [
    'data that are no base64',
    config({ user: 'client-key-data: "*hunter3*"' }),
    undefined,
    /users\[0\]\.user\.client-key-data: /,
  ],
  [
    'a plugin without a command',
    config({ user: 'exec: {apiVersion: client.authentication.k8s.io/v1}' }),
    undefined,
    /users\[0\]\.user\.exec\.command: /,
  ],
  [
    'a plugin that wants a terminal',
    config({
      user: 'exec: {apiVersion: client.authentication.k8s.io/v1, command: c, interactiveMode: Always}',
    }),
    undefined,
    /exec\.interactiveMode: /,
  ],
  ['no YAML', 'a: [', undefined, /^kubeconfig config: line 1/],
  ['a text', 'hunter2', undefined, /^kubeconfig config: /],
];
for (const [what, text, context, message] of wrong) {
  test(`${what} is reported with file and field, and without anything secret`, () => {
    assert.throws(
      () => parse(text, context),
      (error) => {
        assert.ok(isLarderError(error, 'KUBE_CONNECTION_INVALID'));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hunter/);
        return true;
      },
    );
  });
}

test('property: any document is read or refused with the one error', () => {
  const entry = fc.oneof(
    fc.record({
      name: fc.constant('x'),
      context: fc.anything(),
      cluster: fc.anything(),
      user: fc.anything(),
    }),
    fc.anything(),
  );
  const list = fc.oneof(fc.array(entry), fc.anything());
  fc.assert(
    fc.property(fc.record({ contexts: list, clusters: list, users: list }), (document) => {
      let text: string | undefined;
      try {
        text = JSON.stringify(document, (_key, value: unknown) => (typeof value === 'bigint' ? 0 : value));
      } catch {
        return;
      }
      try {
        parse(text, 'x');
      } catch (error) {
        assert.ok(isLarderError(error, 'KUBE_CONNECTION_INVALID'), String(error));
      }
    }),
  );
});
