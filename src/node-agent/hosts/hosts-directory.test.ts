import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { parse } from 'smol-toml';
import { tempDir, type TempDir } from '../../../test/kit/index.ts';
import { ManualClock } from '../../kit/clock.ts';
import { TEMPORARY } from '../../kit/replace-file.ts';
import { createHostsDirectory } from './hosts-directory.ts';
import { caFileName, hostsToml, MARKER, type HostsFile } from './hosts-toml.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const RELAY = {
  url: 'https://127.0.0.1:5010',
  capabilities: ['pull', 'resolve'],
  dialTimeout: '1s',
} as const;
const HUB: HostsFile = { upstream: 'docker.io', server: 'https://registry-1.docker.io', hosts: [RELAY] };

const MIRRORED: HostsFile = {
  upstream: 'quay.io:8443',
  server: 'https://quay.io:8443',
  hosts: [
    { url: 'https://b.example/v2/q', capabilities: ['pull'], overridePath: true, ca: PEM },
    { url: 'https://a.example', capabilities: ['resolve', 'pull'] },
  ],
};

const OF_AN_OLDER_RELEASE = `${MARKER}
server = "https://registry-1.docker.io"

[host."https://127.0.0.1:5010"]
  capabilities = ["pull", "resolve"]
  dial_timeout = "1s"
`;

test('a file has the marker, the server, and a table per host in the order of trying', () => {
  assert.equal(
    hostsToml({ ...HUB, hosts: [{ ...RELAY, ca: PEM }, ...MIRRORED.hosts] }),
    `${MARKER}
server = "https://registry-1.docker.io"

[host."https://127.0.0.1:5010"]
capabilities = [ "pull", "resolve" ]
ca = "../${caFileName(PEM)}"
dial_timeout = "1s"

[host."https://b.example/v2/q"]
capabilities = [ "pull" ]
ca = "../${caFileName(PEM)}"
override_path = true

[host."https://a.example"]
capabilities = [ "resolve", "pull" ]
`,
  );
  assert.deepEqual(Object.keys((parse(hostsToml(MIRRORED)) as { host: object }).host), [
    'https://b.example/v2/q',
    'https://a.example',
  ]);
});

test('any URL is read back from the TOML', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'binary' }), (url, server) => {
      fc.pre(url.isWellFormed() && server.isWellFormed() && url !== '__proto__');
      const host = { url, capabilities: ['pull'] } as const;
      assert.deepEqual(
        JSON.parse(JSON.stringify(parse(hostsToml({ server, hosts: [host] })))),
        JSON.parse(JSON.stringify({ server, host: { [url]: { capabilities: ['pull'] } } })),
      );
    }),
  );
});

const clock = new ManualClock();

describe('the directory', () => {
  test('holds the wanted files, readable for containerd, and nothing once nothing is wanted', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    const outcomes = await directory.apply([HUB, MIRRORED]);
    assert.deepEqual(
      outcomes.map(({ state }) => state),
      ['Written', 'Written'],
    );
    assert.deepEqual(tree(root), ['docker.io/hosts.toml', caFileName(PEM), `quay.io:8443/hosts.toml`]);
    assert.equal(statSync(join(root.path, 'docker.io/hosts.toml')).mode & 0o777, 0o644);
    assert.equal(statSync(join(root.path, caFileName(PEM))).mode & 0o777, 0o644);
    assert.equal(readFileSync(join(root.path, caFileName(PEM)), 'utf8'), PEM);

    await directory.apply([{ ...MIRRORED, hosts: [RELAY] }]);
    clock.advance(1000);
    await directory.apply([{ ...MIRRORED, hosts: [RELAY] }]);
    assert.deepEqual(tree(root), ['quay.io:8443/hosts.toml']);
    await directory.apply([]);
    assert.deepEqual(readdirSync(root.path), []);
  });

  test('loses files that lead to a host, whatever else they name, and no foreign file', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([
      HUB,
      MIRRORED,
      { ...MIRRORED, upstream: 'ghcr.io', hosts: [...MIRRORED.hosts, RELAY] },
    ]);
    root.write('foreign.example/hosts.toml', hostsToml(HUB).slice(MARKER.length + 1));
    assert.deepEqual(await directory.removeLeadingTo([RELAY.url, 'http://127.0.0.1:5010']), []);
    assert.deepEqual(tree(root), ['foreign.example/hosts.toml', caFileName(PEM), 'quay.io:8443/hosts.toml']);
  });

  test('reports a file that leads to a host and could not be removed', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([HUB, { ...HUB, upstream: 'ghcr.io' }]);
    root.write('docker.io.removed.larder-new/of-another-owner', '');
    const outcomes = await directory.removeLeadingTo([RELAY.url]);
    assert.deepEqual(
      outcomes.map(({ upstream, state }) => [upstream, state]),
      [['docker.io', 'Failed']],
    );
    assert.ok(!readdirSync(root.path).includes('ghcr.io'));
  });

  test('reports a file that the agent may not remove', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([HUB]);
    chmodSync(root.path, 0o555);
    try {
      const left = await asNobody(() => directory.removeLeadingTo([RELAY.url]));
      const uninstalled = await asNobody(() => directory.apply([]));
      for (const outcomes of [left, uninstalled]) {
        assert.deepEqual(
          outcomes.map(({ upstream, state }) => [upstream, state]),
          [['docker.io', 'Failed']],
        );
        assert.match(outcomes[0]!.message, /EACCES/);
      }
    } finally {
      chmodSync(root.path, 0o755);
    }
  });

  test('is created if it is missing', async () => {
    using root = tempDir();
    await createHostsDirectory(join(root.path, 'certs.d'), clock).apply([HUB]);
    assert.deepEqual(tree(root), ['certs.d/docker.io/hosts.toml']);
  });

  test('is left alone if it is right already', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([HUB]);
    const file = join(root.path, 'docker.io/hosts.toml');
    const { ino } = statSync(file);
    await directory.apply([HUB]);
    assert.equal(statSync(file).ino, ino);
  });

  test('keeps a file of an older release as ours: replaced once, then left alone', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    const file = root.write('docker.io/hosts.toml', OF_AN_OLDER_RELEASE);
    assert.deepEqual(parse(OF_AN_OLDER_RELEASE), parse(hostsToml(HUB)));
    assert.equal((await directory.apply([HUB]))[0]?.state, 'Written');
    assert.equal(readFileSync(file, 'utf8'), hostsToml(HUB));
    const { ino } = statSync(file);
    await directory.apply([HUB]);
    assert.equal(statSync(file).ino, ino);

    root.write('docker.io/hosts.toml', OF_AN_OLDER_RELEASE);
    assert.deepEqual(await directory.removeLeadingTo([RELAY.url]), []);
    assert.deepEqual(tree(root), []);
  });

  test('loses half-written files, and certificates without a hosts.toml, after a crash', async () => {
    using root = tempDir();
    root.write('docker.io/hosts.toml.larder-new', 'half');
    root.write(`quay.io:8443/${caFileName(PEM)}`, PEM);
    root.write(`${caFileName(PEM)}.larder-new`, 'half');
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([HUB]);
    clock.advance(1000);
    await directory.apply([HUB]);
    assert.deepEqual(tree(root), ['docker.io/hosts.toml']);
    root.write('docker.io/hosts.toml.larder-new', 'half');
    await createHostsDirectory(root.path, clock).apply([]);
    assert.deepEqual(tree(root), []);
  });
});

describe('a foreign file beside ours', () => {
  const beside = 'docker.io/hosts.toml.bak';

  test('does not prevent changes of ours', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([HUB]);
    root.write(beside, 'mine');
    const changed = { ...HUB, server: 'https://elsewhere.example' };
    const [outcome] = await directory.apply([changed]);
    assert.equal(outcome?.state, 'Written');
    assert.equal(readFileSync(join(root.path, 'docker.io/hosts.toml'), 'utf8'), hostsToml(changed));
  });

  test('stays after ours is removed, and the directory is foreign from then on', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([{ ...MIRRORED, upstream: 'docker.io' }]);
    root.write(beside, 'mine');
    await directory.apply([]);
    clock.advance(1000);
    await directory.apply([]);
    assert.deepEqual(tree(root), [beside]);
    const [outcome] = await directory.apply([HUB]);
    assert.equal(outcome?.state, 'Foreign');
    assert.deepEqual(tree(root), [beside]);
  });
});

test('no crash leaves an empty directory, which would disable _default', async () => {
  for (const left of ['docker.io.larder-new', 'ghcr.io.larder-new']) {
    using root = tempDir();
    root.write(`${left}/${caFileName(PEM)}`, PEM);
    root.write(`${left}/hosts.toml.larder-new`, 'half');
    mkdirSync(join(root.path, 'quay.io.larder-new'));
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([HUB]);
    assert.deepEqual(readdirSync(root.path), ['docker.io']);
    assert.deepEqual(tree(root), ['docker.io/hosts.toml']);
    root.write(`${left}/${caFileName(PEM)}`, PEM);
    await directory.apply([]);
    assert.deepEqual(readdirSync(root.path), []);
  }
});

test('a failed write leaves no directory either', async () => {
  using root = tempDir();
  mkdirSync(join(root.path, 'docker.io.larder-new/hosts.toml'), { recursive: true });
  const outcomes = await createHostsDirectory(root.path, clock).apply([HUB]);
  assert.ok(outcomes.some(({ upstream, state }) => upstream === 'docker.io' && state === 'Failed'));
  assert.ok(!readdirSync(root.path).includes('docker.io'));
});

describe('foreign files are reported and never touched:', () => {
  const cases: [string, HostsFile, (root: TempDir) => void][] = [
    ['a hosts.toml', HUB, (root) => void root.write('docker.io/hosts.toml', 'server = "https://x"\n')],
    [
      'a hosts.toml whose marker was taken out',
      HUB,
      (root) => void root.write('docker.io/hosts.toml', hostsToml(HUB).slice(MARKER.length + 1)),
    ],
    [
      'a certificate, which a hosts.toml would disable',
      HUB,
      (root) => void root.write('docker.io/ca.crt', 'x'),
    ],
    [
      'a link in place of the directory',
      HUB,
      (root) => {
        mkdirSync(join(root.path, 'elsewhere'));
        symlinkSync('elsewhere', join(root.path, 'docker.io'));
      },
    ],
    [
      'a link in place of the file',
      HUB,
      (root) => {
        root.write('elsewhere/mine', hostsToml(HUB));
        mkdirSync(join(root.path, 'docker.io'));
        symlinkSync('../elsewhere/mine', join(root.path, 'docker.io/hosts.toml'));
      },
    ],
    [
      'a directory in place of the file',
      HUB,
      (root) => void mkdirSync(join(root.path, 'docker.io/hosts.toml'), { recursive: true }),
    ],
    [
      'a pipe in place of the file',
      HUB,
      (root) => {
        mkdirSync(join(root.path, 'docker.io'));
        execFileSync('mkfifo', [join(root.path, 'docker.io/hosts.toml')]);
      },
    ],
    [
      'a directory that containerd finds first',
      MIRRORED,
      (root) => void root.write('quay.io_8443_/hosts.toml', 'server = "https://x"\n'),
    ],
  ];
  for (const [title, file, prepare] of cases) {
    test(title, async () => {
      using root = tempDir();
      prepare(root);
      const before = tree(root);
      const directory = createHostsDirectory(root.path, clock);
      const [outcome] = await directory.apply([file]);
      assert.equal(outcome?.state, 'Foreign');
      assert.match(
        outcome.message,
        /the node agent did not create|not written by the node agent|takes precedence/,
      );
      assert.deepEqual(tree(root), before);
      assert.deepEqual(await directory.removeLeadingTo([RELAY.url]), []);
      await directory.apply([]);
      assert.deepEqual(tree(root), before);
    });
  }

  test('beside ours, which are removed in time, and the foreign file stays', async () => {
    using root = tempDir();
    const directory = createHostsDirectory(root.path, clock);
    await directory.apply([HUB]);
    root.write('ghcr.io/hosts.toml', 'server = "https://x"\n');
    mkdirSync(join(root.path, 'empty'));
    await directory.apply([]);
    assert.deepEqual(readdirSync(root.path).sort(), ['empty', 'ghcr.io']);
  });
});

test('a foreign upstream is reported, and the others are written', async () => {
  using root = tempDir();
  root.write('docker.io', 'a file');
  const outcomes = await createHostsDirectory(root.path, clock).apply([HUB, { ...HUB, upstream: 'ghcr.io' }]);
  assert.deepEqual(
    outcomes.map(({ state }) => state),
    ['Foreign', 'Written'],
  );
});

test('a file of Gardener is reported as such, and what was left of ours beside it is taken away', async () => {
  using root = tempDir();
  const mine = '# managed by gardener-node-agent\nserver = "https://docker.io"\n';
  root.write('docker.io/hosts.toml', mine);
  root.write(`docker.io/hosts.toml${TEMPORARY}`, '');
  const [outcome] = await createHostsDirectory(root.path, clock).apply([HUB]);
  assert.match(outcome?.message ?? '', /docker\.io\/hosts\.toml is managed by Gardener: /);
  assert.deepEqual(tree(root), ['docker.io/hosts.toml']);
  assert.equal(readFileSync(join(root.path, 'docker.io/hosts.toml'), 'utf8'), mine);
});

function tree({ path }: TempDir): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

/** Runs `work` without root's rights if this process has them. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const user = process.geteuid?.();
  if (user !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(user);
  }
}
