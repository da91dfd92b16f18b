import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { waitFor } from '../kit/index.ts';
import { declareCovetedPort } from './coveted-port.ts';
import type { DeclareScenario } from './setting.ts';
import type { Thief } from './thief.ts';

/** A thief gets the port of the relay whenever it is free: containerd sends it no login, and pods run their own images. */
export const thief: DeclareScenario = (the) => {
  describe('a Pod that requests the port of the relay', () => {
    const port = declareCovetedPort(the);

    test('is pending as long as the agent runs', async () => {
      const thief = port.thief();
      await thief.want({ count: 2 });
      await port.pull();
      assert.deepEqual([await thief.running(), thief.connections()], [0, 0]);
      await port.served();
    });

    test('gets the port while the agent is replaced, receives no request, and is evicted', async () => {
      const { release } = the();
      const thief = port.thief();
      await thief.want({ count: 2 });
      await untilScheduled(thief, async (round) => {
        const rollOut = { isOver: false };
        const installed = release
          .install(`nodeAgent.podAnnotations.round=r${round}`)
          .finally(() => (rollOut.isOver = true));
        // A failed pull must fail the test, not the rejection of this promise.
        installed.catch(() => {});
        while (!rollOut.isOver) await port.pull();
        await installed;
      });
      port.assertNothingSent();
      await port.thieves(0);
      await port.served();
    });

    test('gets the port when the agent is killed, receives no request, and is evicted', async () => {
      const { release } = the();
      const thief = port.thief();
      await thief.want({ count: 2 });
      await untilScheduled(thief, async () => {
        await release.removePod('node-agent');
        await port.pull();
        await port.pull();
        await release.pod('node-agent');
      });
      port.assertNothingSent();
      await port.thieves(0);
      await port.served();
    });

    test('gets the port of a node without an agent: no file leads there, and containerd distrusts it if a crash has left files', async (context) => {
      const thief = port.thief();
      using hosts = port.rememberHosts();
      await thief.want({ count: 1 });
      await port.wantAgent(false);
      await port.turnedAway();
      await port.thieves(1);
      await port.pullSoon(context);
      assert.equal(thief.connections(), 0);

      hosts.writeBack();
      await port.pullSoon(context);
      assert.ok(thief.connections() > 0, 'containerd did not try');
      port.assertNothingSent();
      await port.wantAgent(true);
      await port.thieves(0);
      await port.served();
      assert.ok(hosts.authorities.length > 0);
      const isGone = () => hosts.authorities.every((path) => !existsSync(path));
      await waitFor(isGone, { limitMs: 30_000, what: 'the previous authority to be removed' });
    });
  });
};

/** Runs at least two rounds, and up to five until the thief has had the port: the scheduler may place the next agent first. */
async function untilScheduled(thief: Thief, round: (count: number) => Promise<void>): Promise<void> {
  const before = await thief.scheduled();
  for (let count = 1; count <= 5; count += 1) {
    await round(count);
    if (count >= 2 && (await thief.scheduled()) > before) return;
  }
  assert.fail('the thief never had the port');
}
