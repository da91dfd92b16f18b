import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/kit/index.ts';
import { ManualClock } from '../kit/clock.ts';
import { silentLogger } from '../kit/logger.ts';
import { createCarryOut } from './carry-out.ts';
import { createHostsDirectory } from './hosts/hosts-directory.ts';
import { parseNodeDocument } from '../fleet/node-document.ts';
import type { RelayTarget } from './relay/relay.ts';

const HUB = 'hub.example';
const QUAY = 'quay.example';
const PLACE = { url: 'https://127.0.0.1:5010', ca: 'PEM\n' };

const document = parseNodeDocument(
  JSON.stringify({
    revision: '1',
    caches: [
      { upstream: HUB, server: `https://${HUB}`, endpoint: 'http://10.0.0.1:5000', serverName: 'hub' },
    ],
    mirrors: [{ upstream: QUAY, server: `https://${QUAY}`, hosts: [{ host: 'https://m.example' }] }],
  }),
  'nodes.json',
);

test('while connections to the relay arrive elsewhere, no file leads to it, and the status has the reason', async () => {
  using root = tempDir();
  const problem = 'connections to https://127.0.0.1:5010 do not arrive at the agent';
  let isReached = true;
  const carryOut = createCarryOut(
    { configPath: root.path, containerdConfig: join(root.path, 'config.toml') },
    {
      directory: createHostsDirectory(root.path, new ManualClock()),
      place: PLACE,
      portProblem: async () => (isReached ? undefined : problem),
      cacheLinks: {
        apply: () => {},
        target: () => ({ gate: { state: 'open' } }) as RelayTarget,
        whenProbed: async () => {},
        close: () => {},
      },
      judge: (read) => read,
      logger: silentLogger,
    },
  );
  const carriedOut = async () => {
    const { upstreams } = await carryOut(document);
    const states = Object.fromEntries(upstreams.map(({ upstream, state }) => [upstream, state]));
    const files = [HUB, QUAY].filter((upstream) => existsSync(join(root.path, upstream, 'hosts.toml')));
    return { states, files, message: upstreams.find(({ upstream }) => upstream === HUB)?.message };
  };
  const fine = { states: { [HUB]: 'Ready', [QUAY]: 'Ready' }, files: [HUB, QUAY], message: '' };
  assert.deepEqual(await carriedOut(), fine);
  isReached = false;
  assert.deepEqual(await carriedOut(), {
    states: { [HUB]: 'Failed', [QUAY]: 'Ready' },
    files: [QUAY],
    message: problem,
  });
  isReached = true;
  assert.deepEqual(await carriedOut(), fine);
});
