import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ManualClock } from '../../../src/kit/clock.ts';
import { checkContainerd } from '../../../src/node-agent/containerd/containerd-check.ts';
import { tempDir, type TempDir } from '../../kit/temp.ts';
import { gardenerContainerdConfig } from './containerd-config.ts';
import { createGardenerNodeAgent, type GardenerNodeAgent, type NodeConfig } from './node-agent.ts';
import { CERTS_DIRECTORY, GARDENER_MARKER, type NodeRegistry } from './node-registries.ts';

const CACHE = 'https://10.4.0.11:5000';

function registry(upstream: string, more: Partial<NodeRegistry> = {}): NodeRegistry {
  const hosts = [{ url: CACHE, capabilities: ['pull', 'resolve'], caCerts: ['/etc/ca.pem'] }];
  return { upstream, server: `https://${upstream}`, hosts, ...more };
}

function configOf(...registries: readonly NodeRegistry[]): NodeConfig {
  return { spec: { criConfig: { containerd: { registries } } } };
}

describe("Gardener's node agent of the landscape", () => {
  let files: TempDir;
  let clock: ManualClock;
  let agent: GardenerNodeAgent;
  let isAnswering = true;
  let probes = 0;
  const start = (): void => {
    agent = createGardenerNodeAgent({
      root: files.path,
      clock,
      probe: async () => {
        probes += 1;
        if (!isAnswering) throw new Error('no answer');
      },
    });
  };
  const pathOf = (...names: readonly string[]): string => join(files.path, CERTS_DIRECTORY, ...names);
  const textOf = (upstream: string): string => readFileSync(pathOf(upstream, 'hosts.toml'), 'utf8');

  beforeEach(() => {
    files = tempDir();
    clock = new ManualClock();
    isAnswering = true;
    probes = 0;
    start();
  });
  afterEach(() => files[Symbol.dispose]());

  test('writes hosts.toml of each registry, and its files', async () => {
    const config = configOf(registry('a.io'));
    const file = { path: '/etc/ca.pem', content: { inline: { encoding: 'b64', data: 'Y2E=' } } };
    await agent.apply({ spec: { ...config.spec, files: [file] } });
    assert.equal(
      textOf('a.io'),
      [
        GARDENER_MARKER,
        'server = "https://a.io"',
        '',
        `[host."${CACHE}"]`,
        '  capabilities = ["pull","resolve"]',
        '  ca = ["/etc/ca.pem"]',
        '',
      ].join('\n'),
    );
    assert.equal(readFileSync(join(files.path, 'etc/ca.pem'), 'utf8'), 'ca');
  });

  test('writes all registries at each change, over what others have written there', async () => {
    await agent.apply(configOf(registry('a.io')));
    writeFileSync(pathOf('a.io', 'hosts.toml'), 'of somebody else');
    await agent.apply(configOf(registry('a.io'), registry('b.io')));
    assert.match(textOf('a.io'), new RegExp(GARDENER_MARKER));
  });

  test('does nothing for a configuration that it has applied, also if its files are gone', async () => {
    await agent.apply(configOf(registry('a.io')));
    rmSync(pathOf('a.io'), { recursive: true });
    start();
    await agent.apply(configOf(registry('a.io')));
    assert.ok(!existsSync(pathOf('a.io')));
  });

  test('removes the directory of a registry that it has lost, with all in it, and looks at no others', async () => {
    for (const upstream of ['a.io', 'b.io']) {
      mkdirSync(pathOf(upstream), { recursive: true });
      writeFileSync(pathOf(upstream, 'extra'), '');
    }
    await agent.apply(configOf(registry('a.io')));
    await agent.apply(configOf());
    assert.deepEqual([existsSync(pathOf('a.io')), existsSync(pathOf('b.io', 'extra'))], [false, true]);
  });

  test('makes the directory first, probes every 2 s, and ends only when there is an answer', async () => {
    isAnswering = false;
    let ended = false;
    const applied = agent.apply(configOf(registry('a.io', { readinessProbe: true }), registry('b.io')));
    void applied.then(() => (ended = true));
    await until(() => probes === 1);
    assert.ok(existsSync(pathOf('a.io')));
    assert.ok(!existsSync(pathOf('a.io', 'hosts.toml')));
    assert.match(textOf('b.io'), new RegExp(GARDENER_MARKER));
    await until(() => clock.pending === 1);
    clock.advance(2_000);
    await until(() => probes === 2 && clock.pending === 1);
    assert.equal(ended, false);
    isAnswering = true;
    clock.advance(2_000);
    await applied;
    assert.match(textOf('a.io'), new RegExp(GARDENER_MARKER));
  });

  test('does not probe a registry again that has not changed', async () => {
    const probed = registry('a.io', { readinessProbe: true });
    await agent.apply(configOf(probed));
    await agent.apply(configOf(probed, registry('b.io')));
    assert.equal(probes, 1);
  });

  test('removes what it has lost also after it was stopped in the middle', async () => {
    await agent.apply(configOf(registry('a.io')));
    isAnswering = false;
    const stopped = new AbortController();
    const applied = agent.apply(configOf(registry('b.io', { readinessProbe: true })), stopped.signal);
    await until(() => probes === 1);
    stopped.abort();
    await assert.rejects(applied);
    assert.ok(existsSync(pathOf('a.io')));
    start();
    await agent.apply(configOf());
    assert.ok(!existsSync(pathOf('a.io')));
    // It was in no configuration that counts as applied.
    assert.ok(existsSync(pathOf('b.io')));
  });
});

describe("the configuration of containerd after Gardener's node agent", () => {
  for (const [version, other] of [
    [2, 'io.containerd.grpc.v1.cri'],
    [3, 'io.containerd.cri.v1.images'],
    [4, 'io.containerd.cri.v1.images'],
  ] as const)
    test(`of version ${version} keeps what was there, and Larder's node agent sees that containerd reads hosts.toml`, async () => {
      using files = tempDir();
      const before = `version = ${version}\n[plugins."${other}"]\n  sandbox_image = "pause"\n`;
      const text = gardenerContainerdConfig(before);
      const path = files.write('config.toml', text.replace('/etc/containerd/conf.d', 'conf.d'));
      assert.equal((await checkContainerd(path, '/etc/containerd/certs.d')).state, 'Set');
      assert.match(text, /sandbox_image = "pause"/);
      assert.equal(gardenerContainerdConfig(text), text);
    });

  test('of an unknown version is not changed', () => {
    assert.throws(() => gardenerContainerdConfig('version = 9\n'), /no such version/);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
