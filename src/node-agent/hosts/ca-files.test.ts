import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { parse } from 'smol-toml';
import { tempDir } from '../../../test/kit/index.ts';
import { ManualClock } from '../../kit/clock.ts';
import { createHostsDirectory } from './hosts-directory.ts';
import type { HostsFile } from './hosts-toml.ts';

const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

function fileOf(upstream: string, ...authorities: readonly string[]): HostsFile {
  const hosts = authorities.map((ca, index) => ({
    url: `https://${index}.example`,
    capabilities: ['pull'] as const,
    ca,
  }));
  return { upstream, server: `https://${upstream}`, hosts };
}

describe('the certificate that a hosts.toml names', () => {
  test('is one file for all hosts.toml files that name it, and outlives them by a second', async () => {
    using root = tempDir();
    const clock = new ManualClock();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([fileOf('docker.io', pem('A')), fileOf('quay.io', pem('A'))]);
    assert.equal(certificatesIn(root.path).length, 1);
    await directory.apply([fileOf('quay.io', pem('A'))]);
    clock.advance(5000);
    await directory.apply([fileOf('quay.io', pem('A'))]);
    assert.equal(certificatesIn(root.path).length, 1);

    await directory.apply([]);
    clock.advance(999);
    await directory.apply([]);
    assert.equal(certificatesIn(root.path).length, 1);
    clock.advance(1);
    await directory.apply([]);
    assert.deepEqual(readdirSync(root.path), []);
  });

  test('stays with its hosts.toml if that could not be replaced', async () => {
    using root = tempDir();
    const clock = new ManualClock();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([fileOf('docker.io', pem('A'))]);
    // Blocks the file that is to be renamed.
    root.write('docker.io/hosts.toml.larder-new/file', '');
    for (const _ of [1, 2, 3]) {
      const [outcome] = await directory.apply([fileOf('docker.io', pem('B'))]);
      assert.equal(outcome?.state, 'Failed');
      clock.advance(1000);
    }
    assert.ok(namedIn(root.path, 'docker.io').every((path) => existsSync(path)));
  });

  test('exists for a second after its hosts.toml was read, in every history', async () => {
    const upstreams = ['docker.io', 'quay.io'];
    const authorities = fc.subarray(['A', 'B', 'C'].map(pem), { minLength: 1 });
    const step = fc.record({
      files: fc.array(fc.tuple(fc.constantFrom(...upstreams), authorities), { maxLength: 2 }),
      ms: fc.constantFrom(0, 400, 999),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        using root = tempDir();
        const clock = new ManualClock();
        const directory = createHostsDirectory(root.path, clock);
        let readAt = clock.now();
        let read: string[] = [];
        for (const { files, ms } of steps) {
          await directory.apply([...new Map(files)].map(([name, cas]) => fileOf(name, ...cas)));
          if (clock.now() - readAt < 1000)
            assert.deepEqual(
              read.filter((path) => !existsSync(path)),
              [],
            );
          readAt = clock.now();
          read = upstreams.flatMap((name) => namedIn(root.path, name));
          clock.advance(ms);
        }
      }),
    );
  });

  test('is gone once all has settled', async () => {
    using root = tempDir();
    const clock = new ManualClock();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([fileOf('docker.io', pem('A'), pem('BB'))]);
    await directory.apply([]);
    const settled = directory.settle();
    const advance = setInterval(() => clock.advance(250), 1);
    await settled;
    clearInterval(advance);
    assert.deepEqual(readdirSync(root.path), []);
    assert.equal(clock.pending, 0);
  });
});

function certificatesIn(root: string): string[] {
  return readdirSync(root).filter((name) => name.endsWith('.pem'));
}

/** Paths as containerd finds them, relative to the directory of the hosts.toml. */
function namedIn(root: string, upstream: string): string[] {
  const path = join(root, upstream, 'hosts.toml');
  if (!existsSync(path)) return [];
  const { host = {} } = parse(readFileSync(path, 'utf8')) as { host?: Record<string, { ca: string }> };
  return Object.values(host).map(({ ca }) => join(root, upstream, ca));
}
