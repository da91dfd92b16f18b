import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { createPrivateNamespace } from '../cluster/private-namespace.ts';
import { get, imageOf, startLarder, startUpstream, waitFor } from '../kit/index.ts';
import { needPart, requireParts } from '../parts/find.ts';
import { pushImage } from '../parts/push.ts';
import { run } from '../parts/run.ts';
import { startRegistry } from '../parts/start-registry.ts';

const SCRIPT = `
import { createPrivateNamespace } from ${JSON.stringify(import.meta.resolve('../cluster/private-namespace.ts'))};
const { enter } = await createPrivateNamespace();
console.log(JSON.stringify(enter));
setInterval(() => undefined, 1000);
`;

/** Script that leaves a process without a waiting parent, like the shims of containerd. */
const LEAVE_ONE_BEHIND = 'setsid sleep 600 >/dev/null 2>&1 & readlink /proc/self/ns/net';

describe('a private namespace', requireParts(['ip', 'busybox', 'registry3']), () => {
  test('has a network that the test reaches only on purpose', async () => {
    await using place = await createPrivateNamespace();
    await using registry = await startRegistry({ part: 'registry3', place });
    await assert.rejects(get(registry.url));
    const url = await place.reach(registry.url);
    const image = imageOf();
    await pushImage({ ...registry, url }, 'team/app', image, 'v1');

    await using larder = await startLarder({
      config: {
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches: [{ upstream: 'private.test', remoteURL: registry.url }],
      },
      place,
    });
    const blob = image.layers[0]!.digest;
    const cached = `${await place.reach(larder.registry)}/v2/team/app/blobs/${blob}?ns=private.test`;
    assert.equal((await get(cached)).status, 200);
    assert.equal(await larder.metric('registry_proxy_misses_total', { type: 'blob' }), 1);
  });

  test("has servers of the test in its network, not in the machine's, and lets them refuse and accept connections", async () => {
    await using place = await createPrivateNamespace();
    await using upstream = await startUpstream({ place, port: 80 });
    const ping = () => within(place.enter, `${needPart('busybox')} wget -q -O - ${upstream.url}/v2/ 2>&1`);
    assert.equal(await ping(), '{}');
    await assert.rejects(get(upstream.url));
    await upstream.refuse();
    await assert.rejects(ping(), /refused/);
    await upstream.accept();
    assert.equal(await ping(), '{}');
    assert.equal(upstream.connections.opened, 2);
    await assert.rejects(startUpstream({ place, port: 80 }), /cannot listen/);
  });

  test('ends with everything in it, and leaves no file outside of temporary directories', async () => {
    const place = await createPrivateNamespace(['mkdir /opt/of-the-namespace']);
    const inside = await within(place.enter, `ls /opt; ${LEAVE_ONE_BEHIND}`);
    const [network = ''] = /net:\S+/.exec(inside) ?? [];
    assert.match(inside, /of-the-namespace/);
    assert.notDeepEqual(processesIn(network), []);
    await place[Symbol.asyncDispose]();
    assert.deepEqual(processesIn(network), []);
    assert.ok(!readdirSync('/opt').includes('of-the-namespace'));
  });

  test('ends when the process that made it is killed', async () => {
    const maker = spawn(process.execPath, ['--input-type=module-typescript', '--eval', SCRIPT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(maker.stdout), 'line')) as [string];
    const network = (await within(JSON.parse(line) as string[], LEAVE_ONE_BEHIND)).trim();
    assert.notDeepEqual(processesIn(network), []);
    maker.kill('SIGKILL');
    await waitFor(() => processesIn(network).length === 0, { what: 'the end of the namespace' });
  });
});

async function within(enter: readonly string[], script: string): Promise<string> {
  return (await run('sh', ['-c', script], { place: { enter } })).stdout;
}

/** Lists the machine's processes in this network. */
function processesIn(network: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/net`) === network;
    } catch {
      return false; // The process has just ended.
    }
  });
}
