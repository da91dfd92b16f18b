/** The port that `hosts.toml` leads to belongs to this agent, or to a program that containerd does not trust. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseNodeDocument } from '../../src/fleet/node-document.ts';
import type { NodeStatus } from '../../src/fleet/node-status.ts';
import { systemClock, endsWithin } from '../../src/kit/clock.ts';
import type { DocumentSource } from '../../src/node-agent/document/document-source.ts';
import { get, tempDir, type TempDir } from '../kit/index.ts';
import { freePort } from '../parts/free-port.ts';
import { relayAuthority } from './relay-authority.ts';
import { cacheEntry, machine, NAME, startAgentWith, startPair } from './setting.ts';

describe('the relay', () => {
  test('has a certificate that hosts.toml names, another one with each start, and its key is nowhere on the disk', async () => {
    const authorities: string[] = [];
    for (const _ of ['first', 'second']) {
      await using pair = await startPair();
      const ca = relayAuthority(certsOf(pair.files), NAME);
      assert.equal((await get(pair.url('/v2/'), { ca })).status, 200);
      await assert.rejects(get(pair.url('/v2/'), { ca: authorities[0] ?? pair.cache.caPem }), /certificate/);
      await assert.rejects(get(pair.url('/v2/').replace('https:', 'http:')));
      authorities.push(ca);
      for (const file of readdirSync(pair.files.path, { recursive: true, withFileTypes: true }))
        if (file.isFile())
          assert.doesNotMatch(readFileSync(join(file.parentPath, file.name), 'utf8'), /PRIVATE KEY/);
    }
    assert.equal(new Set(authorities).size, 2);
  });

  test('ends soon although a silent client is connected', async () => {
    await using pair = await startPair();
    const { hostname, port } = new URL(pair.agent.relay.url);
    const silent = connect({ host: hostname, port: Number(port) });
    try {
      await once(silent, 'connect');
      // Less than the 10 s that the handshake may take.
      assert.ok(await endsWithin(systemClock, pair.agent.stop(), machine.limit(8_000)));
    } finally {
      silent.destroy();
    }
  });

  test('leaves nothing in the directory when it stops', async () => {
    await using pair = await startPair();
    assert.equal(readdirSync(certsOf(pair.files)).length, 2);
    await pair.agent.stop();
    assert.deepEqual(readdirSync(certsOf(pair.files)), []);
  });
});

describe('a file of ours that leads to the port', () => {
  test('is removed as soon as an agent starts there, with or without a document, since its writer is gone', async () => {
    const port = await freePort();
    for (const scheme of ['http', 'https']) {
      using files = tempDir();
      writeHosts(files, NAME, `${scheme}://127.0.0.1:${port}`);
      writeHosts(files, 'mirrored.example', 'https://mirror.example');
      const source = { read: async () => undefined, watch: async () => {} };
      await using running = await startAgentWith({ source }, files, port);
      assert.deepEqual([running.hasHosts(), running.hasHosts('mirrored.example')], [false, true]);
    }
  });

  const mirrors = [
    {
      upstream: 'mirrored.example',
      server: 'https://mirrored.example',
      hosts: [{ host: 'https://m.example' }],
    },
  ];
  const documentOf = (revision: string) =>
    parseNodeDocument(
      JSON.stringify({ revision, caches: [cacheEntry('http://127.0.0.1:1')], mirrors }),
      'nodes.json',
    );
  for (const [also, known] of [
    ['', undefined],
    [', by the current document if it knows an earlier one', documentOf('1')],
  ] as const)
    test(`is removed if another program has the port, and the agent reports that before it ends${also}`, async () => {
      using files = tempDir();
      using thief = await startThief();
      const { port } = thief;
      writeHosts(files, NAME, `https://127.0.0.1:${port}`);
      const said: NodeStatus[] = [];
      const reporter = {
        report: (status: NodeStatus) => void said.push(status),
        run: async () => {},
        last: async (status: NodeStatus) => void said.push(status),
      };
      const source: DocumentSource = {
        read: async () => known,
        watch: async (_signal, onChange) => onChange(documentOf('2')),
      };
      const starting = startAgentWith({ source, reporter }, files, port);
      await assert.rejects(starting, /the address is in use/);
      assert.deepEqual(readdirSync(certsOf(files)), ['mirrored.example']);
      assert.equal(said.length, 1);
      assert.equal(said[0]!.revision, '2');
      const [mirrored, cached] = said[0]!.upstreams;
      assert.deepEqual([mirrored?.upstream, mirrored?.state], ['mirrored.example', 'Ready']);
      assert.deepEqual([cached?.upstream, cached?.state], [NAME, 'Failed']);
      assert.match(
        cached?.message ?? '',
        new RegExp(`^cannot listen on 127.0.0.1:${port}: the address is in use`),
      );
    });
});

/** Another program at a port. */
async function startThief(): Promise<Disposable & { readonly port: number }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.dispose]: () => void server.close() };
}

function certsOf({ path }: TempDir): string {
  return join(path, 'certs.d');
}

function writeHosts(files: TempDir, upstream: string, host: string): void {
  files.write(
    `certs.d/${upstream}/hosts.toml`,
    `# Written by larder node-agent, which overwrites changes. Without this line the file is yours.\nserver = "https://${upstream}"\n\n[host."${host}"]\n`,
  );
}
