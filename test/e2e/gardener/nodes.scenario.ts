import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { MARKER } from '../../../src/node-agent/hosts/hosts-toml.ts';
import { EXECUTABLE, waitFor } from '../../kit/index.ts';
import { run } from '../../parts/run.ts';
import { GARDENER_MARKER } from '../../gardener/landscape/node-registries.ts';
import { CLOSED, OPEN } from '../setting.ts';
import { OWNER_NAMESPACE, type DeclareScenario } from './landscape.ts';

/** Time in which a file of ours has to be back after a hand-over. */
const BACK_LIMIT_MS = 10_000;

/** Nodes change, and upstreams change hands on them, while pods pull. */
export const nodes: DeclareScenario = (the) => {
  const hostsToml = (upstream: string): string =>
    readFileSync(join(the().cluster.hosts, upstream, 'hosts.toml'), 'utf8');

  const isOurs = (upstream: string): boolean =>
    existsSync(join(the().cluster.hosts, upstream, 'hosts.toml')) && hostsToml(upstream).startsWith(MARKER);

  /** Makes the object that `larder convert` gives for one of Kyma's. */
  const applyConverted = async (name: string, upstream: string): Promise<void> => {
    const { cluster } = the();
    const object = {
      apiVersion: 'core.kyma-project.io/v1beta1',
      kind: 'RegistryCacheConfig',
      metadata: { name, namespace: OWNER_NAMESPACE },
      spec: { upstream, volume: { size: '1Gi' } },
    };
    const { stdout } = await run(EXECUTABLE, ['convert', '-'], { input: JSON.stringify(object) });
    await run(EXECUTABLE, ['validate', '-'], { input: stdout });
    await cluster.kubectl.apply(parse(stdout.replace(/^---\n/, '')) as object);
  };

  describe('nodes of a shoot', () => {
    test('keep our files when their configuration changes', async () => {
      const { project, machines, puller, cluster } = the();
      const path = join(cluster.hosts, OPEN, 'hosts.toml');
      const before = identityOf(path);
      machines.change({ spec: { files: [fileOf('/etc/new-file', 'new')] } });
      await project.reconcile({});
      await puller.pulls(2);
      assert.deepEqual(identityOf(path), before);
      assert.deepEqual(puller.failures, []);
    });

    test('are given to the Shoot with an upstream, and have our file back when it leaves the Shoot', async (context) => {
      const { project, puller, configs, cluster, authority } = the();
      // The authority of a registry's bundle, as gardenlet brings it, is trusted by all caches: Kyma's objects cannot name one.
      await cluster.kubectl.apply({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'registry-ca-bundle', namespace: 'kube-system' },
        data: { 'bundle.crt': Buffer.from(authority).toString('base64') },
      });
      await configs.remove('private');
      await project.reconcile({ caches: [{ upstream: OPEN }, { upstream: CLOSED }] });
      const isTheirs = (): boolean =>
        [OPEN, CLOSED].every((upstream) => hostsToml(upstream).startsWith(GARDENER_MARKER));
      await waitFor(isTheirs, { limitMs: 60_000, what: 'their files' });
      // Kyma's module has the upstream in the Shoot, and its user makes the new object before the module is off.
      await applyConverted('private', CLOSED);
      await configs.until('registries', 'UpstreamTaken');
      await configs.until('private', 'UpstreamTaken');
      await puller.pulls(4);
      assert.ok(isTheirs());

      await project.reconcile({});
      const begin = performance.now();
      const areBack = (): boolean => [OPEN, CLOSED].every(isOurs);
      await waitFor(areBack, { limitMs: 60_000, everyMs: 100, what: 'our files' });
      context.diagnostic(`our files were back after ${Math.round(performance.now() - begin)} ms`);
      await configs.until('registries', 'NoConflict', 'Serving', 'Settled');
      await configs.until('private', 'NoConflict', 'Serving', 'Settled');
      await puller.pulls(4);
      assert.deepEqual(puller.failures, []);
      const left = await cluster.kubectl('get', 'statefulsets', '--namespace=kube-system', '--output=name');
      assert.equal(left, '');
    });

    test('get our file back within 10 s when it was lost', async () => {
      const { cluster } = the();
      rmSync(join(cluster.hosts, OPEN), { recursive: true });
      const isBack = (): boolean => isOurs(OPEN);
      await waitFor(isBack, { limitMs: BACK_LIMIT_MS, everyMs: 100, what: 'our file' });
    });

    test('are replaced by ones with containerd 2.3, which pull from the start, and soon through the caches', async (context) => {
      const { machines, puller, configs, open, closed, views } = the();
      await puller.rest();
      machines.containerd = 'containerd2';
      await machines.roll();
      open.reset();
      closed.reset();
      const { done } = puller;
      puller.start();
      await views.running();
      const { nodes: state } = (await configs.until('registries', 'Serving', 'Settled')).summary ?? {};
      assert.equal(state, '1/1');
      await puller.pulls(6);
      assert.deepEqual(puller.failures, []);
      // Larder asks with its own name.
      const direct = [open, closed].flatMap(({ requests }) =>
        requests.filter(
          ({ kind, method, headers }) =>
            kind === 'manifest' && method === 'GET' && headers['user-agent']?.startsWith('containerd'),
        ),
      );
      const beside = new Set(direct.map(({ path }) => path)).size;
      const all = puller.done - done;
      context.diagnostic(`of the first ${all} pulls of a fresh node ${all - beside} went through the caches`);
      assert.ok(beside < all / 2, `${beside} of ${all} pulls went to the registries`);
      assert.ok(isOurs(CLOSED));
    });
  });
};

function fileOf(path: string, data: string): object {
  return { path, permissions: 420, content: { inline: { encoding: '', data } } };
}

function identityOf(path: string): unknown[] {
  const { ino, mtimeMs } = statSync(path);
  return [ino, mtimeMs, readFileSync(path, 'utf8')];
}
