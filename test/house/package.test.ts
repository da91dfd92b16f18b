import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CLOUD_CLIENTS } from '../../src/upstream/cloud/cloud-client.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Package {
  readonly name: string;
  readonly license: string;
  readonly bin: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly peerDependenciesMeta: Record<string, { optional?: boolean }>;
  readonly allowScripts: Record<string, boolean>;
}

interface Lockfile {
  readonly packages: Record<
    string,
    { version?: string; resolved?: string; hasInstallScript?: boolean; link?: boolean; dev?: boolean }
  >;
}

const manifest = readJson('package.json') as Package;
const lockfile = readJson('package-lock.json') as Lockfile;
const pinned = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };

describe('dependencies', () => {
  test('are pinned to one version each', () => {
    for (const [name, version] of Object.entries(pinned)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  });

  test('stand in the lockfile in these versions', () => {
    for (const [name, version] of Object.entries(pinned))
      assert.equal(lockfile.packages[`node_modules/${name}`]?.version, version, name);
  });

  test('come from whatever registry npm is set to: the lockfile has no addresses', () => {
    assert.doesNotMatch(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'), /"resolved"|\.tgz"/);
    for (const [path, { resolved }] of Object.entries(lockfile.packages))
      assert.equal(resolved, undefined, path);
  });

  test('of the clouds are optional peers: an installation leaves them out, a checkout has the version that is tested', () => {
    const clients = Object.keys(CLOUD_CLIENTS);
    assert.deepEqual(
      manifest.peerDependencies,
      Object.fromEntries(clients.map((name) => [name, `^${manifest.devDependencies[name]}`])),
    );
    assert.deepEqual(
      manifest.peerDependenciesMeta,
      Object.fromEntries(clients.map((name) => [name, { optional: true }])),
    );
    for (const name of clients) assert.equal(lockfile.packages[`node_modules/${name}`]?.dev, true, name);
  });

  test('of the clouds are installed in the major version that the error names', () => {
    for (const [name, major] of Object.entries(CLOUD_CLIENTS))
      assert.equal(manifest.devDependencies[name]?.split('.')[0], String(major), name);
  });

  test('run no scripts when they are installed: those that have one are named, and refused', () => {
    const scripted = Object.entries(lockfile.packages).flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript === true ? [path.replace(/^node_modules\//, '')] : [],
    );
    assert.deepEqual(Object.fromEntries(scripted.map((name) => [name, false])), manifest.allowScripts);
  });
});

describe('the package', () => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [{ files: { path: string; mode: number }[] }];
  const paths = packed.files.map(({ path }) => path);

  test('holds the launcher, the programs it starts, and their types', () => {
    for (const path of [
      'bin/larder',
      'dist/cli/bin.js',
      'dist/cli/main.js',
      'dist/cli/main.d.ts',
      'dist/cache/program.d.ts',
    ]) {
      assert.ok(paths.includes(path), `${path} is missing; was it built (npm run build)?`);
    }
    assert.equal(manifest.bin['larder'], 'bin/larder');
    assert.ok(
      ((packed.files.find(({ path }) => path === 'bin/larder')?.mode ?? 0) & 0o111) !== 0,
      'bin/larder is not executable',
    );
  });

  test('holds README, licence, change log and the reference', () => {
    for (const path of [
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'package.json',
      'docs/reference/configuration.md',
    ])
      assert.ok(paths.includes(path), path);
  });

  test('holds neither sources nor tests, nor what they need', () => {
    const foreign = paths.filter(
      (path) =>
        /\.i?test\.|^(?:src|test|bench|node_modules|\.)/.test(path) ||
        (path.endsWith('.ts') && !path.endsWith('.d.ts')),
    );
    assert.deepEqual(foreign, []);
  });

  test('is under the Apache License 2.0, as LICENSE says', () => {
    assert.equal(manifest.license, 'Apache-2.0');
    assert.match(readFileSync(join(ROOT, 'LICENSE'), 'utf8'), /Apache License\s+Version 2\.0, January 2004/);
  });
});

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
}
