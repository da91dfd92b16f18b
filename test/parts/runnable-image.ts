import { readFileSync } from 'node:fs';
import type { TestImage } from '../kit/image.ts';
import { needPart } from './find.ts';
import { packedImage } from './packed-image.ts';
import type { TarEntry } from '../../deploy/image/tar.ts';

const FILE_BYTES = 100_000;

/** What the command of a {@link runnableImage} ends with when it found all the bytes of its layers. */
export const ALL_BYTES_FOUND = 42;

/**
 * An image that a container runtime can unpack and run: Debian's static busybox in the first layer, then `extraLayers`
 * layers of one file each (`/data/1`, `/data/2`, ...). Its command counts the bytes there and ends with
 * {@link ALL_BYTES_FOUND}: an exit code, since `ctr run` may lose what a short command prints. Needs the part busybox.
 */
export function runnableImage(extraLayers = 3): TestImage {
  const data = Array.from({ length: extraLayers }, (_, index): TarEntry[] => [
    { name: `data/${index + 1}`, content: Buffer.alloc(FILE_BYTES, `layer ${index + 1}\n`) },
  ]);
  const count = `busybox cat /data/* | busybox wc -c`;
  const command = `test $(${count}) = ${extraLayers * FILE_BYTES} && exit ${ALL_BYTES_FOUND}`;
  return packedImage([busyboxFiles(), ...data], { Cmd: ['/bin/sh', '-c', command], Env: ['PATH=/bin'] });
}

/** An image with a shell and nothing else, that sleeps until it is stopped. Needs the part busybox. */
export function sleepingImage(): TestImage {
  return packedImage([busyboxFiles()], { Cmd: ['/bin/busybox', 'sleep', 'infinity'], Env: ['PATH=/bin'] });
}

function busyboxFiles(): TarEntry[] {
  return [
    { name: 'bin/', mode: 0o755 },
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(needPart('busybox')) },
    { name: 'bin/sh', linkTo: 'busybox' },
    { name: 'data/', mode: 0o755 },
  ];
}
