import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { upstreamResourceName } from '../../../src/api/rules/upstream-names.ts';
import { commandsOfStep, docSteps, waitFor, withNames } from '../../kit/index.ts';
import { distinctImage, lastingImage } from '../../parts/runnable-image.ts';
import { kubeconfigOf } from '../../cluster/kubeconfig.ts';
import { AUTHORITY_SECRET } from '../configs.ts';
import { createReader, type Reader } from '../reader.ts';
import { createRecorder, SHOOT_GUIDE } from '../recorder.ts';
import { ALICE, CLOSED, OPEN } from '../setting.ts';
import { isOf } from './audit.ts';
import { OWNER_NAMESPACE, type DeclareScenario } from './landscape.ts';
import { ROBOT } from './puller.ts';

/** Name that the upstreams of the page have here. The company's authority signs them. */
const trusting = (upstream: string): string =>
  `- upstream: ${upstream}\n      caBundleSecretReferenceName: ${AUTHORITY_SECRET}`;
const WEB = `${OPEN}/team/guide:v1`;
const NAMES = {
  'docker.io/library/nginx:1.29': WEB,
  '- upstream: docker.io': trusting(OPEN),
  [`- upstream: ${CLOSED}`]: `${trusting(CLOSED)}\n      volume:\n        size: 1Gi`,
  '20Gi': '1Gi',
};
const [FIRST, SECOND] = ['first-password-of-robot', 'second-password-of-robot'];
const GROUP = 'gardener.cloud:system:admins';
const STEPS = [
  'look-first',
  'first-cache',
  'first-pull',
  'private-caller',
  'private-shared',
  'rotate',
  'look',
  'grant',
];
/** Time in which a changed Secret has to work. */
const ROTATION_LIMIT_MS = 10_000;

/** The owner of a shoot, who sees nothing of garden and seed, follows `docs/guide/shoot.md`. */
export const owner: DeclareScenario = (the) => {
  describe('the guide for the owner of a shoot', () => {
    const steps = docSteps(readFileSync(SHOOT_GUIDE, 'utf8'));
    const session: string[] = [];
    let reader: Reader;

    before(async () => {
      const { cluster, open, closed, own, authority } = the();
      const kubeconfig = own.write(
        'owner.kubeconfig',
        kubeconfigOf(cluster.api.accessFor({ commonName: 'owner@example.com', organization: GROUP })),
      );
      await cluster.kubectl(
        'create',
        'clusterrolebinding',
        'owner',
        '--clusterrole=cluster-admin',
        `--group=${GROUP}`,
      );
      open.push('team/guide', lastingImage(9), 'v1');
      closed.push('team/app', lastingImage(10), 'v1');
      closed.users.set(ROBOT, FIRST);
      closed.setAccess('team/app', { readers: [ALICE.username, ROBOT] });
      reader = createReader({ place: cluster, kubeconfig }, (command) => withNames(command, NAMES));
      // The page's registries have public authorities, the company's an authority of its own.
      await cluster.kubectl.apply(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OWNER_NAMESPACE } },
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: AUTHORITY_SECRET, namespace: OWNER_NAMESPACE },
          stringData: { 'bundle.crt': authority },
        },
      );
    });
    after(async () => {
      const { cluster } = the();
      await cluster.kubectl('delete', 'pods', 'web', 'team-app', '--ignore-not-found', '--grace-period=1');
    });

    const follow = async (
      name: string,
      environment: Readonly<Record<string, string>> = {},
    ): Promise<void> => {
      for (const { text } of commandsOfStep(steps, name)) {
        const command = text.replace(`kubectl create namespace ${OWNER_NAMESPACE}`, 'true');
        const shown = (await reader.run(command, environment)) || `namespace/${OWNER_NAMESPACE} created\n`;
        const named = shown.replaceAll(upstreamResourceName(OPEN), upstreamResourceName('docker.io'));
        session.push(`$ ${text}\n${named}`.trimEnd());
      }
    };

    test('has no command that this scenario does not run', () => {
      assert.deepEqual(
        steps.map(({ name }) => name),
        STEPS,
      );
    });

    test('leads to a cache, and to a private image with nothing but the Secret of its Pod', async () => {
      const { open, closed, puller } = the();
      await follow('look-first');
      await follow('first-cache');
      await puller.pulls(2);
      open.reset();
      await follow('first-pull');
      assert.ok(open.count({ kind: 'blob', status: 200 }) > 0);
      closed.reset();
      await follow('private-caller', { PASSWORD: ALICE.password });
      assert.ok(closed.count({ kind: 'blob', status: 200, user: ALICE.username }) > 0);
      assert.deepEqual(puller.failures, []);
    });

    test('leads to one login for all, whose new password works within 10 s', async (context) => {
      const { closed, release } = the();
      await follow('private-shared', { PASSWORD: FIRST });
      const fresh = distinctImage(11);
      closed.push('team/app', fresh, 'v2');
      closed.users.set(ROBOT, SECOND);
      const path = `/v2/team/app/manifests/${fresh.digest}`;
      const ask = () => release.askRelay(CLOSED, path);
      assert.notEqual(await ask(), 200);
      const begin = performance.now();
      await follow('rotate', { PASSWORD: SECOND });
      const isUsed = async () => (await ask()) === 200;
      await waitFor(isUsed, { limitMs: 60_000, everyMs: 100, what: 'the new password to be used' });
      const ms = Math.round(performance.now() - begin);
      context.diagnostic(`the new password was used after ${ms} ms`);
      assert.ok(ms < ROTATION_LIMIT_MS, `${ms} ms`);
    });

    test('shows whether it works, on how many nodes, and what it saves', async () => {
      const { cluster } = the();
      let shown = '';
      const lines = [
        /^registries +private +True +Serving +False +1\/1 +1\/1 +\d+% +\d\S* +\S+$/m,
        /^registries +registries +True +Serving +False +1\/1 +1\/1 +\d+% +\d\S* +\S+$/m,
      ];
      const isShown = async () => {
        shown = await cluster.kubectl('get', 'registryconfigs', '--all-namespaces');
        return lines.every((line) => line.test(shown));
      };
      await waitFor(isShown, { limitMs: 120_000, everyMs: 500 }).catch(() => assert.fail(shown));
      await follow('look');
      await follow('grant');
      createRecorder(the().records, SHOOT_GUIDE).record('session', session.join('\n'));
    });

    test('leaves no byte of it in garden and seed, and the seed reads no Secret of the shoot', () => {
      const { audits } = the();
      const words = [OPEN, CLOSED, FIRST, SECOND, ALICE.password, 'team-login', upstreamResourceName(CLOSED)];
      for (const audit of [audits.garden, audits.seed]) {
        assert.ok(audit.count() > 20);
        for (const word of words) assert.deepEqual(audit.withText(word), [], word);
      }
      assert.ok(audits.shoot.withText(SECOND).length > 0);
      const ofSeed = audits.shoot.since(0).filter(isOf('extension'));
      assert.ok(ofSeed.length > 0);
      assert.deepEqual(
        ofSeed.filter(({ objectRef }) => ['secrets', 'registryconfigs'].includes(objectRef?.resource ?? '')),
        [],
      );
    });
  });
};
