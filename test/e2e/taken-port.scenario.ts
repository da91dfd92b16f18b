import { describe, test } from 'node:test';
import { run } from '../parts/run.ts';
import { declareCovetedPort } from './coveted-port.ts';
import type { DeclareScenario } from './setting.ts';

const PORT = 5010;

/** Another program has the port of the relay and keeps it: pods still pull, and the RegistryConfig reports the cause. */
export const takenPort: DeclareScenario = (the) => {
  describe('the port of the relay is taken', () => {
    const port = declareCovetedPort(the);

    test('by a Pod with the priority of the agent: pods still pull, and a condition reports that Pod until it leaves', async (context) => {
      const thief = port.thief();
      await port.wantAgent(false);
      await port.turnedAway();
      await thief.want({ count: 1, priorityClassName: 'system-node-critical' });
      await port.thieves(1);
      await port.wantAgent(true);
      await port.pullSoon(context);
      await port.degraded(/have no agent.*free ports/);
      port.assertNothingSent();
      await thief.giveUp();
      await port.served();
    });

    test('by a program of the node: the agent removes its files and reports the cause', async (context) => {
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
      port.assertNothingSent();
      await port.served();
    });

    test('by a rule of the kernel, although the agent listens: the agent detects the rule and removes its files', async (context) => {
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
      port.assertNothingSent();
      await port.served();
    });
  });
};
