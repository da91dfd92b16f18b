import { describe, test } from 'node:test';
import { run } from '../parts/run.ts';
import { declareCovetedPort } from './coveted-port.ts';
import type { DeclareScenario } from './setting.ts';

const PORT = 5010;

/** The port of the relay is somebody else's and stays so: pods go on, and the object says what stands in the way. */
export const takenPort: DeclareScenario = (the) => {
  describe('the port of the relay is taken', () => {
    const port = declareCovetedPort(the);

    test('by a Pod with the priority of the agent: pods go on, and the object says so until it leaves', async (context) => {
      const thief = port.thief();
      await port.wantAgent(false);
      await port.turnedAway();
      await thief.want({ count: 1, priorityClassName: 'system-node-critical' });
      await port.thieves(1);
      await port.wantAgent(true);
      await port.pullSoon(context);
      await port.degraded(/have no agent.*free ports/);
      port.assertNothingTold();
      await thief.giveUp();
      await port.served();
    });

    test('by a program of the node: the agent removes its files, and says so', async (context) => {
      using hosts = port.rememberHosts();
      await port.wantAgent(false);
      await port.turnedAway();
      {
        using _taken = await port.thief().listenOnNode(PORT);
        hosts.writeBack();
        await port.wantAgent(true);
        await port.turnedAway();
        await port.pullSoon(context);
        await port.degraded(/the address is in use/);
      }
      port.assertNothingTold();
      await port.served();
    });

    test('by a rule of the kernel, although the agent listens: it sees that, and removes its files', async (context) => {
      const there = ['--protocol', 'tcp', '--destination', '127.0.0.1', '--dport', String(PORT)];
      const rule = ['OUTPUT', ...there, '--jump', 'DNAT', '--to-destination', port.thief().address];
      const change = (how: '--insert' | '--delete') =>
        run('iptables', ['--wait', '--table', 'nat', how, ...rule], { place: the().cluster });
      await change('--insert');
      try {
        await port.pull();
        await port.turnedAway();
        await port.pullSoon(context);
        await port.degraded(/do not arrive at the agent/);
      } finally {
        await change('--delete');
      }
      port.assertNothingTold();
      await port.served();
    });
  });
};
