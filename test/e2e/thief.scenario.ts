import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { waitFor } from '../kit/index.ts';
import { declareCovetedPort } from './coveted-port.ts';
import type { DeclareScenario } from './setting.ts';
import type { Thief } from './thief.ts';

/** Somebody has the port of the relay in every moment in which it can be had: no login is shown to it, and pods run their own images. */
export const thief: DeclareScenario = (the) => {
  describe('a Pod that wants the port of the relay', () => {
    const port = declareCovetedPort(the);

    test('waits for it as long as the agent is there', async () => {
      const thief = port.thief();
      await thief.want({ count: 2 });
      await port.pull();
      assert.deepEqual([await thief.running(), thief.connections()], [0, 0]);
      await port.served();
    });

    test('has it while the agent is replaced, is told nothing, and has to leave', async () => {
      const { release } = the();
      const thief = port.thief();
      await thief.want({ count: 2 });
      await untilAdmitted(thief, async (round) => {
        const rollOut = { isOver: false };
        const installed = release
          .install(`nodeAgent.podAnnotations.round=r${round}`)
          .finally(() => (rollOut.isOver = true));
        // A pull that fails is what this test is about.
        installed.catch(() => {});
        while (!rollOut.isOver) await port.pull();
        await installed;
      });
      port.assertNothingTold();
      await port.thieves(0);
      await port.served();
    });

    test('has it once the agent was removed at once, is told nothing, and has to leave', async () => {
      const { release } = the();
      const thief = port.thief();
      await thief.want({ count: 2 });
      await untilAdmitted(thief, async () => {
        await release.removePod('node-agent');
        await port.pull();
        await port.pull();
        await release.pod('node-agent');
      });
      port.assertNothingTold();
      await port.thieves(0);
      await port.served();
    });

    test('has it where a node has no agent: nothing leads there, and files that a crash has left lead to nobody', async (context) => {
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
      port.assertNothingTold();
      await port.wantAgent(true);
      await port.thieves(0);
      await port.served();
      assert.ok(hosts.authorities.length > 0);
      const isGone = () => hosts.authorities.every((path) => !existsSync(path));
      await waitFor(isGone, { limitMs: 30_000, what: 'the authority of before to go' });
    });
  });
};

/** Runs two rounds, and up to five until the thief had the port: the scheduler may take up the next agent first. */
async function untilAdmitted(thief: Thief, round: (count: number) => Promise<void>): Promise<void> {
  const before = await thief.admitted();
  for (let count = 1; count <= 5; count += 1) {
    await round(count);
    if (count >= 2 && (await thief.admitted()) > before) return;
  }
  assert.fail('it never had the port');
}
