/** Tests the container image as users run it: built here, copied to a registry, pulled and run by containerd. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { recordedText } from '../gardener/distribution-configs.ts';
import { mountSecret } from '../gardener/mounted-secret.ts';
import { createTestPki, get, imageOf, pullImage, startUpstream, tempDir } from '../kit/index.ts';
import { needPart, requireParts } from '../parts/find.ts';
import { run } from '../parts/run.ts';
import { startContainerd, type Container, type Containerd } from '../parts/start-containerd.ts';
import { startRegistry, type Registry } from '../parts/start-registry.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SBOM = 'application/vnd.cyclonedx+json';
const USER = '65532';

const PROGRAM = '/usr/bin/larder';
const READY = /^\{.*"event":"ready".*\}$/m;
const ANY_PORT = ['--address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0'];

/** Flags that mount a volume in memory for the store. */
const STORE = [
  '--mount',
  `type=tmpfs,src=tmpfs,dst=/var/lib/larder,options=mode=0700:uid=${USER}:gid=${USER}`,
];

/** Limit for the size of a release. Node.js alone has 47 MB. */
const LIMIT_BYTES = 60e6;

interface Manifest {
  readonly digest: string;
  readonly platform: { readonly architecture: string };
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
}

describe('the image', requireParts(['registry3', 'oras', 'containerd2', 'runc']), () => {
  const resources = new AsyncDisposableStack();
  after(() => resources.disposeAsync());
  const directory = resources.use(tempDir());
  const layout = join(directory.path, 'built/oci');
  let registry: Registry;
  let containerd: Containerd;
  let reference: string;

  before(async () => {
    await build('built');
    registry = resources.use(await startRegistry({ part: 'registry3' }));
    containerd = resources.use(await startContainerd({ part: 'containerd2' }));
    containerd.useMirror(registry.host, registry.url);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    reference = `${registry.host}/larder:${version}`;
    await oras(
      'cp',
      '--recursive',
      '--from-oci-layout',
      `${layout}:${version}`,
      '--to-plain-http',
      reference,
    );
    await containerd.pull(reference);
  });

  /** Builds the image with a fixed revision and time, so that a commit between two builds changes nothing. */
  async function build(name: string, ...args: readonly string[]): Promise<void> {
    const fixed = [
      '--out',
      join(directory.path, name),
      '--revision',
      'a'.repeat(40),
      '--epoch',
      '1700000000',
    ];
    await run(process.execPath, [join(ROOT, 'deploy/image/build.ts'), ...fixed, ...args], { limit: 300_000 });
  }

  async function oras(...args: readonly string[]): Promise<string> {
    return (await run(needPart('oras'), args, { cwd: directory.path })).stdout;
  }

  test('has the same digests when it is built again', async () => {
    await build('again', '--platform', 'linux/amd64');
    const blobs = (name: string): string[] => readdirSync(join(directory.path, name, 'oci/blobs/sha256'));
    const manifest = manifests(layout).find(({ platform }) => platform.architecture === 'amd64');
    assert.deepEqual(
      manifests(join(directory.path, 'again/oci')).map(({ digest }) => digest),
      [manifest?.digest],
    );
    const first = new Set(blobs('built'));
    const fresh = blobs('again').filter((name) => !first.has(name));
    assert.equal(fresh.length, 1, 'only the index differs, which names one platform instead of two');
  });

  test('exists for two architectures, each below the limit and with programs of that architecture only', async () => {
    const machines = { amd64: 0x3e, arm64: 0xb7 } as const; // ELF's e_machine
    const found = manifests(layout);
    assert.deepEqual(
      found.map(({ platform }) => platform.architecture),
      Object.keys(machines),
    );
    for (const { platform, layers } of found) {
      const size = layers.reduce((sum, layer) => sum + layer.size, 0);
      assert.ok(size < LIMIT_BYTES, `${platform.architecture} has ${size} bytes`);
      using unpacked = tempDir();
      for (const { digest } of layers)
        await run('tar', ['-xzf', blobPath(layout, digest), '-C', unpacked.path]);
      const machine = machines[platform.architecture as keyof typeof machines];
      assert.deepEqual([...new Set(elfMachines(unpacked.path))], [machine]);
    }
  });

  test('has bills of materials in files, and in the registry as referrers of its manifests', async () => {
    for (const { digest, platform } of manifests(layout)) {
      const repository = reference.replace(/:[^:/]+$/, '');
      const found = await oras('discover', '--plain-http', '--format', 'json', `${repository}@${digest}`);
      const { referrers } = JSON.parse(found) as { referrers: { digest: string; artifactType: string }[] };
      assert.deepEqual(
        referrers.map(({ artifactType }) => artifactType),
        [SBOM],
      );
      await oras('pull', '--plain-http', `${repository}@${referrers[0]?.digest}`);
      const name = `sbom-${platform.architecture}.cdx.json`;
      const beside = readFileSync(join(directory.path, 'built', name), 'utf8');
      assert.equal(readFileSync(join(directory.path, name), 'utf8'), beside);
      const { components } = JSON.parse(beside) as { components: { name: string }[] };
      for (const part of ['libc6', 'node', 'undici', '@azure/identity'])
        assert.ok(
          components.some((one) => one.name === part),
          part,
        );
    }
  });

  test('runs commands, and returns their exit codes', async () => {
    const exitOf = (...args: readonly string[]): Promise<number | null> =>
      containerd.runImage(reference, { command: [PROGRAM, ...args], flags: ['--read-only'] });
    assert.equal(await exitOf('--version'), 0);
    assert.equal(await exitOf('validate', '/nowhere'), 2);
  });

  test('serves on all of its addresses by default', async () => {
    await using larder = await containerd.startImage(reference, READY, { flags: ['--read-only', ...STORE] });
    assert.deepEqual(urlsOf(larder), { registry: 'http://[::]:5000', admin: 'http://[::]:5001' });
  });

  test('serves by the files of a pod of the Go extension, when it finds them', async () => {
    await using upstream = await startUpstream();
    const image = imageOf();
    upstream.push('team/app', image, 'v1');
    using pod = tempDir();
    // The user of the image is none of this machine.
    chmodSync(pod.path, 0o755);
    const text = recordedText(`  remoteurl: ${upstream.url}\n  ttl: 168h0m0s`, true);
    const pki = createTestPki();
    const { cert, key } = pki.server();
    mountSecret(join(pod.path, 'config'), {
      'config.yml': text.replace(':5000', '127.0.0.1:0').replace(':5001', '127.0.0.1:0'),
    });
    mkdirSync(join(pod.path, 'config/certs'));
    mountSecret(join(pod.path, 'certs'), { 'tls.crt': cert, 'tls.key': key });
    const flags = [
      '--read-only',
      '--net-host',
      ...bindMount(join(pod.path, 'config'), '/etc/distribution'),
      ...bindMount(join(pod.path, 'certs'), '/etc/distribution/certs'),
      // As the kubelet gives a volume to the group of the Pod.
      '--mount',
      `type=tmpfs,src=tmpfs,dst=/var/lib/registry,options=mode=2775:gid=${USER}`,
    ];
    await using larder = await containerd.startImage(reference, READY, { flags });
    const { admin, registry: own } = urlsOf(larder);
    assert.equal((await get(`${admin}/debug/health`)).text(), '{}');
    await pullImage(own, 'team/app', 'v1', { ca: pki.caPem, ns: 'docker.io' });
    assert.equal(upstream.count({ kind: 'blob', method: 'GET' }), image.blobs.length);
  });

  test('serves as its own user on a read-only root file system, and stops at a signal', async () => {
    const command = [PROGRAM, 'serve', '--store', '/var/lib/larder', ...ANY_PORT];
    const flags = ['--read-only', '--net-host', ...STORE];
    await using larder = await containerd.startImage(reference, READY, { command, flags });
    const { admin, registry: own } = urlsOf(larder);
    assert.equal((await get(`${admin}/readyz`)).status, 200);
    assert.equal((await get(`${own}/v2/`)).status, 200);

    const process = (file: string): string => readFileSync(`/proc/${larder.programPid}/${file}`, 'utf8');
    assert.match(process('status'), new RegExp(`^Uid:(?:\t${USER}){4}$`, 'm'));
    assert.match(process('mounts'), /^\S+ \/ \S+ ro,/m);

    await larder.stop();
    assert.match(larder.output(), /"event":"stopped"/);
    assert.ok(!existsSync(`/proc/${larder.programPid}`));
  });
});

function bindMount(from: string, to: string): string[] {
  return ['--mount', `type=bind,src=${from},dst=${to},options=rbind:ro`];
}

/** Addresses in the log line `ready`. */
function urlsOf({ ready: [line] }: Container): { registry: string; admin: string } {
  const { registry, admin } = JSON.parse(line) as { registry: string; admin: string };
  return { registry, admin };
}

/** Reads the manifests of an OCI layout, one for each platform. */
function manifests(layout: string): Manifest[] {
  const top = readJson(join(layout, 'index.json')) as { manifests: { digest: string }[] };
  const index = readJson(blobPath(layout, top.manifests[0]?.digest)) as { manifests: Manifest[] };
  return index.manifests.map((one) => ({
    ...one,
    layers: (readJson(blobPath(layout, one.digest)) as Manifest).layers,
  }));
}

function blobPath(layout: string, digest = ''): string {
  return join(layout, 'blobs', digest.replace(':', '/'));
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Reads the ELF machine of each program and shared object below a directory. */
function elfMachines(directory: string): number[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => readFileSync(join(found.parentPath, found.name)))
    .filter((content) => content.subarray(0, 4).toString('latin1') === '\x7fELF')
    .map((content) => content.readUInt16LE(18));
}
