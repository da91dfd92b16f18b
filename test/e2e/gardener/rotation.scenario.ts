import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { upstreamResourceName } from '../../../src/api/rules/upstream-names.ts';
import type { RotationPhase } from '../../cluster/api-credentials.ts';
import { inRotation } from '../../gardener/landscape/rotation.ts';
import { waitFor } from '../../kit/index.ts';
import { OPEN } from '../setting.ts';
import type { DeclareScenario } from './landscape.ts';
import { LARDER } from './views.ts';

/** All credentials of a shoot change. */
export const rotation: DeclareScenario = (the) => {
  describe('a shoot whose certificate authorities and key of service accounts are rotated', () => {
    const startedAt = new Date().toISOString();

    /** What gardenlet does in a phase, and then pods pull. */
    const enter = async (phase: 'Preparing' | 'Completing', credentials: RotationPhase): Promise<void> => {
      const { project, machines, puller, flow } = the();
      await puller.rest();
      await machines.rotate(credentials);
      await flow.reconcile(inRotation(await project.write({}), phase, startedAt));
      puller.start();
      await puller.pulls(3);
      assert.deepEqual(puller.failures, []);
    };
    const signer = () =>
      the().cluster.kubectl(
        'get',
        'secret',
        `${upstreamResourceName(OPEN)}-tls`,
        `--namespace=${LARDER}`,
        '--output=jsonpath={.metadata.annotations.larder/signed-by}',
      );

    test('pulls while new ones are added, when its nodes were replaced, and after the old ones are gone', async () => {
      const { puller, machines, views, configs } = the();
      const before = await signer();
      assert.notEqual(before, '');
      await enter('Preparing', 'both');
      await puller.rest();
      await machines.roll();
      puller.start();
      await views.running();
      await enter('Completing', 'new');
      await configs.until('registries', 'Serving', 'Settled');
      await puller.pulls(3);
      assert.deepEqual(puller.failures, []);
      assert.ok(
        (await views.pods()).every((pod) => pod.endsWith(' 0')),
        'a pod was restarted',
      );

      // Larder's own authority follows that of the Shoot, once nodes trust the new one.
      const isNew = async () => (await signer()) !== before;
      await waitFor(isNew, { limitMs: 120_000, everyMs: 1_000, what: 'a certificate of the next authority' });
    });
  });
};
