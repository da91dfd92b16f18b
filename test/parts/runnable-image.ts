import { readFileSync } from 'node:fs';
import { blobOf } from '../kit/blob.ts';
import type { TestImage } from '../kit/image.ts';
import { needPart } from './find.ts';
import { packedImage } from './packed-image.ts';
import type { TarEntry } from '../../deploy/image/tar.ts';

const FILE_BYTES = 100_000;

/** Exit code of a {@link runnableImage} that found all the bytes of its layers. */
export const ALL_BYTES_FOUND = 42;

/**
 * An image that a container runtime can unpack and run: Debian's static busybox in the first layer, then `extraLayers`
 * layers of one file each (`/data/1`, `/data/2`, ...). Its command counts the bytes there and ends with
 * {@link ALL_BYTES_FOUND}: an exit code, since `ctr run` may lose what a short command prints. Needs the part busybox.
 */
export function runnableImage(extraLayers = 3): TestImage {
  const contents = Array.from({ length: extraLayers }, (_, index) =>
    Buffer.alloc(FILE_BYTES, `layer ${index + 1}\n`),
  );
  return imageWith(contents, `exit ${ALL_BYTES_FOUND}`);
}

/** The same, of layers that do not compress and that no other image has: it is known by what is transferred of it. */
export function distinctImage(seed: number, layerBytes = 1 << 20): TestImage {
  return imageWith(distinctContents(seed, layerBytes), `exit ${ALL_BYTES_FOUND}`);
}

/** A {@link distinctImage} whose command goes on when it has found its bytes, until it is stopped. */
export function lastingImage(seed: number, layerBytes = 1 << 20): TestImage {
  return imageWith(distinctContents(seed, layerBytes), 'exec busybox sleep infinity');
}

/** An image with a shell and nothing else, that sleeps until it is stopped. Needs the part busybox. */
export function sleepingImage(): TestImage {
  return packedImage([busyboxFiles()], { Cmd: ['/bin/busybox', 'sleep', 'infinity'], Env: ['PATH=/bin'] });
}

function distinctContents(seed: number, bytes: number): Buffer[] {
  return [0, 1, 2].map((index) => blobOf(bytes, 1000 * seed + index).read());
}

/** Its command goes on with `found` when the contents of all layers are there. */
function imageWith(contents: readonly Buffer[], found: string): TestImage {
  const layers = contents.map((content, index): TarEntry[] => [{ name: `data/${index + 1}`, content }]);
  const bytes = contents.reduce((sum, content) => sum + content.length, 0);
  const command = `test $(busybox cat /data/* | busybox wc -c) = ${bytes} && ${found}`;
  return packedImage([busyboxFiles(), ...layers], { Cmd: ['/bin/sh', '-c', command], Env: ['PATH=/bin'] });
}

function busyboxFiles(): TarEntry[] {
  return [
    { name: 'bin/', mode: 0o755 },
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(needPart('busybox')) },
    { name: 'bin/sh', linkTo: 'busybox' },
    { name: 'data/', mode: 0o755 },
  ];
}
