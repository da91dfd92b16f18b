import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { pullRefusal, pullSecretOf, runPod, type PodOptions } from '../cluster/pods.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../parts/runnable-image.ts';
import { waitFor } from '../kit/index.ts';

import { prepare } from './prepare.ts';
import { ALICE, BOB, CLOSED, type DeclareScenario } from './setting.ts';

const CONFIG = 'private';
const REPOSITORY = 'team/secret';
const IMAGE = `${CLOSED}/${REPOSITORY}:v1`;

/** Time in which a rotated Secret has to work. */
const ROTATION_LIMIT_MS = 10_000;

/** Private images with the credential of each pod, and with a configured credential for all pods. */
export const privateImages: DeclareScenario = (the) => {
  describe('a private image, in a cache that asks each pod for its own credential', () => {
    prepare(the, async () => {
      const { release, closed, configs, cluster } = the();
      await release.install();
      closed.push(REPOSITORY, distinctImage(2), 'v1');
      closed.setAccess(REPOSITORY, { readers: [ALICE.username] });
      await cluster.kubectl.apply(
        pullSecretOf('alice', CLOSED, ALICE),
        pullSecretOf('bob', CLOSED, BOB),
        pullSecretOf('guessed', CLOSED, { ...ALICE, password: 'guessed-by-bob' }),
      );
      await configs.apply(CONFIG, { upstream: CLOSED });
      await configs.until(CONFIG, 'Serving', 'Settled');
      closed.reset();
    });
    after(() => the().configs.remove(CONFIG));

    const blobsAsked = () => the().closed.count({ kind: 'blob', method: 'GET', status: 200 });
    let cold: number;

    test('runs in a pod with the right imagePullSecret, and goes into the cache', async () => {
      const { exitCode, failedPulls } = await runPod(the().cluster.kubectl, podOf('alice'));
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
      cold = blobsAsked();
      const metrics = await the().release.metricsOf(CLOSED);
      assert.equal(metrics.sum('registry_proxy_misses_total', { type: 'blob' }), cold);
    });

    test("is refused to every other pod with the registry's own answer", async () => {
      const { kubectl } = the().cluster;
      await pullRefusal(kubectl, podOf('bob'), /403 Forbidden/);
      await pullRefusal(kubectl, podOf('guessed'), /401 Unauthorized|403 Forbidden/);
      // containerd 2.x without a credential does not report the status of a challenge.
      await pullRefusal(kubectl, podOf(), /401 Unauthorized|no basic auth credentials/);
      assert.equal(blobsAsked(), cold);
    });

    test('runs again from the cache in a pod that has access', async () => {
      await the().cluster.node.removeImage(IMAGE);
      const { exitCode, failedPulls } = await runPod(the().cluster.kubectl, podOf('alice'));
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
      assert.equal(blobsAsked(), cold);
    });
  });

  describe('a private image, in a cache with a credential that serves everyone', () => {
    const secret = 'robot';
    const first = { username: secret, password: 'first-of-robot' };
    const second = { username: secret, password: 'second-of-robot' };
    const config = 'shared';
    const repository = 'team/shared';
    const image = distinctImage(3);

    prepare(the, async () => {
      const { release, closed, configs, cluster } = the();
      await release.install();
      closed.users.set(secret, first.password);
      closed.push(repository, image, 'v1');
      closed.setAccess(repository, { readers: [secret] });
      await cluster.kubectl.apply(credential(secret, first));
      await configs.apply(config, { upstream: CLOSED, secretReferenceName: secret });
    });
    after(async () => {
      await the().configs.remove(config);
      await the().cluster.kubectl('delete', 'secret', secret);
    });

    test('runs in a pod without any imagePullSecret', async () => {
      await the().configs.until(config, 'Serving', 'Settled', 'Healthy');
      const pod = { name: 'anybody', image: `${CLOSED}/${repository}:v1` };
      const { exitCode, failedPulls } = await runPod(the().cluster.kubectl, pod);
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
    });

    test('is pulled with a rotated credential within 10 s, by a cache that was not restarted', async (context) => {
      const { closed, cluster, release } = the();
      const pod = await release.pod({ cacheOf: CLOSED });
      const fresh = distinctImage(4);
      closed.push(repository, fresh, 'v2');
      closed.users.set(secret, second.password);
      // The cache does not have this manifest, so it must request it with its credential.
      const ask = () => release.askRelay(CLOSED, `/v2/${repository}/manifests/${fresh.digest}`);
      assert.notEqual(await ask(), 200);
      const begin = performance.now();
      await cluster.kubectl.apply(credential(secret, second));
      const asked = async () => (await ask()) === 200;
      await waitFor(asked, { limitMs: 60_000, everyMs: 100, what: 'the rotated credential to be used' });
      const ms = Math.round(performance.now() - begin);
      context.diagnostic(`used after ${ms} ms`);
      assert.ok(ms < ROTATION_LIMIT_MS, `${ms} ms`);
      const now = await release.pod({ cacheOf: CLOSED });
      assert.equal(now.metadata.uid, pod.metadata.uid);
      assert.equal(now.status.containerStatuses?.[0].restartCount, 0);
    });
  });
};

function podOf(pullSecret?: string): PodOptions {
  return { name: `of-${pullSecret ?? 'nobody'}`, image: IMAGE, pullSecret };
}

function credential(name: string, login: object): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, stringData: login };
}
