import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { upstreamResourceName } from '../../src/api/rules/upstream-names.ts';
import { commandsOfStep, docSteps, waitFor, withNames, type DocCommand } from '../kit/index.ts';
import { lastingImage } from '../parts/runnable-image.ts';
import { AUTHORITY_SECRET } from './configs.ts';
import { prepare } from './prepare.ts';
import { createReader, type Reader } from './reader.ts';
import { GUIDE } from './recorder.ts';
import { ALICE, CLOSED, OPEN, type DeclareScenario } from './setting.ts';

const ROBOT = { username: 'robot', password: 'of-the-robot' };
const WEB = `${OPEN}/team/guide:v1`;
const NAMESPACE = 'registries';

/** Entry of a cache with the company's authority, which the page's upstreams do not need. */
const trusting = (upstream: string): string =>
  `- upstream: ${upstream}\n      caBundleSecretReferenceName: ${AUTHORITY_SECRET}`;
const NAMES = {
  'docker.io/library/nginx:1.29': WEB,
  '- upstream: docker.io': trusting(OPEN),
  // The volumes here are small.
  [`- upstream: ${CLOSED}`]: `${trusting(CLOSED)}\n      volume:\n        size: 1Gi`,
  '20Gi': '1Gi',
};

/** Steps with Helm in the order of the page. {@link WITHOUT_HELM} follow. */
const WITH_HELM = [
  'install-helm',
  'first-cache',
  'first-pull',
  'test-helm',
  'look',
  'private-caller',
  'private-shared',
  'mirror',
  'grant',
  'uninstall-helm',
];
const WITHOUT_HELM = ['install-manifest', 'uninstall-manifest'];

/** Steps of the recorded session: from nothing to a pod with a private image. */
const SESSION = ['install-helm', 'first-cache', 'first-pull', 'look', 'private-caller'];

/** Runs the commands of docs/guide/kubernetes.md in their order. */
export const guide: DeclareScenario = (the) => {
  describe('the guide to Kubernetes', () => {
    const steps = docSteps(readFileSync(GUIDE, 'utf8'));
    const session: string[] = [];
    let reader: Reader;

    prepare(the, async () => {
      const { release, open, closed, cluster } = the();
      await release.purge();
      open.push('team/guide', lastingImage(9), 'v1');
      closed.push('team/app', lastingImage(10), 'v1');
      closed.users.set(ROBOT.username, ROBOT.password);
      closed.setAccess('team/app', { readers: [ALICE.username, ROBOT.username] });
      const image = { 'images.example.com/larder': `${cluster.registry.name}/larder` };
      reader = createReader({ place: cluster, kubeconfig: cluster.api.kubeconfig }, (command) =>
        withNames(command, { ...NAMES, ...image }),
      );
    });
    after(async () => {
      const { cluster, release } = the();
      await cluster.kubectl('delete', 'pods', 'web', 'team-app', '--ignore-not-found', '--grace-period=1');
      await cluster.kubectl('delete', 'secret', 'team-login', '--ignore-not-found');
      await cluster.kubectl('delete', 'clusterrole', 'registry-administrator', '--ignore-not-found');
      await cluster.kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found');
      await release.purge();
    });

    /** Makes a copy of the authority's Secret for another namespace. */
    const authorityIn = async (namespace: string): Promise<object> => {
      const { kubectl } = the().cluster;
      const secret = await kubectl.json<{ data: object }>('secret', AUTHORITY_SECRET);
      const metadata = { name: AUTHORITY_SECRET, namespace };
      return { apiVersion: 'v1', kind: 'Secret', metadata, data: secret.data };
    };
    const follow = async (
      name: string,
      environment: Readonly<Record<string, string>> = {},
    ): Promise<void> => {
      for (const command of commandsOfStep(steps, name)) {
        const shown = await reader.run(command.text, environment);
        // The page's registries have public authorities, the company's an authority of its own.
        if (command.text === `kubectl create namespace ${NAMESPACE}`)
          await the().cluster.kubectl.apply(await authorityIn(NAMESPACE));
        // The output of `describe` is long, and has the company's names instead of the page's.
        if (SESSION.includes(name) && !/ describe /.test(command.text)) session.push(asShown(command, shown));
      }
    };

    test('has no command that this scenario does not run', () => {
      assert.deepEqual(
        steps.map(({ name }) => name).filter((name) => ![...WITH_HELM, ...WITHOUT_HELM].includes(name)),
        [],
      );
    });

    test('leads from nothing to a pod whose image is cached', async () => {
      const { open, cluster } = the();
      await follow('install-helm');
      await follow('first-cache');
      open.reset();
      await follow('first-pull');
      assert.ok(open.count({ kind: 'blob', status: 200 }) > 0);
      const counts = async () =>
        /Serving +False .*%/.test(await cluster.kubectl('get', 'registryconfigs', '--all-namespaces'));
      await waitFor(counts, {
        limitMs: 120_000,
        everyMs: 500,
        what: 'a cache that serves, and its hit ratio',
      });
      await follow('test-helm');
      await follow('look');
    });

    test('leads to a private image, by the login of a pod and by a login for all pods', async () => {
      await follow('private-caller', { PASSWORD: ALICE.password });
      the().recorder.record('session', session.join('\n'));
      await follow('private-shared', { PASSWORD: ROBOT.password });
      await follow('mirror');
      await follow('grant');
    });

    test('leads back to nothing', async () => {
      await follow('uninstall-helm');
      await the().release.purge();
    });

    test('leads there and back without Helm', async () => {
      await follow('install-manifest');
      await follow('uninstall-manifest');
    });
  });
};

/** Formats a command and its output with the names of the page, also in the names of the cache's objects. */
function asShown({ text }: DocCommand, output: string): string {
  const named = output.replaceAll(upstreamResourceName(OPEN), upstreamResourceName('docker.io'));
  return `$ ${text}\n${named}`.trimEnd();
}
