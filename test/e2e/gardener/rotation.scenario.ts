import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RotationPhase } from '../../cluster/api-credentials.ts';
import type { DeclareScenario } from './landscape.ts';
import { LARDER } from './views.ts';

/** All credentials of a shoot change. */
export const rotation: DeclareScenario = (the) => {
  describe('a shoot whose certificate authorities and key of service accounts are rotated', () => {
    let startedAt = '';

    /** Plays gardenlet's work in a phase, and then pods pull. */
    const enter = async (phase: 'Preparing' | 'Completing', credentials: RotationPhase): Promise<void> => {
      const { project, machines, puller } = the();
      await puller.rest();
      await machines.rotate(credentials);
      project.enter(phase, startedAt);
      await project.reconcile({});
      puller.start();
      await puller.pulls(3);
      assert.deepEqual(puller.failures, []);
    };
    /** Number of Larder's own authorities, by the Secret in which it keeps them. */
    const authorities = async (): Promise<number> => {
      const secret = await the().cluster.kubectl.json<{ readonly data: Readonly<Record<string, string>> }>(
        'secret',
        'larder-ca',
        `--namespace=${LARDER}`,
      );
      const pairs = Buffer.from(secret.data['authorities.json'] ?? '', 'base64').toString('utf8');
      return (JSON.parse(pairs) as unknown[]).length;
    };

    test('pulls while new ones are added, when its nodes were replaced, and after the old ones are gone', async () => {
      const { puller, machines, views, configs } = the();
      startedAt = new Date().toISOString();
      assert.equal(await authorities(), 1);
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

      // Larder's own authority gets a successor. Nodes trust both, and the second one signs a day later.
      assert.equal(await authorities(), 2);
    });
  });
};
