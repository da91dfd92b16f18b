import { readFileSync } from 'node:fs';
import { stringFlag, type GoValues } from '../go-flags/go-flag.ts';
import type { CommandIo } from '../command.ts';
import { LarderError } from '../../kit/errors.ts';
import { serverText } from '../../gardener/server-text.ts';

/** Flag of the image that runs in shoots. The Go extension has its image built in, and no flag. */
export const IMAGE_FLAG = {
  image: stringFlag('image', {
    standard: '',
    usage:
      'Image of Larder that runs in shoots. An entry "registry" of the file in IMAGEVECTOR_OVERWRITE wins.',
    variable: 'LARDER_IMAGE',
  }),
};

/**
 * Finds the image of the caches in shoots, by the flag and by the file in `IMAGEVECTOR_OVERWRITE`. Throws `CONFIG_INVALID` if that file
 * cannot be used, or if there is no image.
 */
export async function shootImage(
  { image }: GoValues<typeof IMAGE_FLAG>,
  { environment }: Pick<CommandIo, 'environment'>,
): Promise<string> {
  const { readImageVector, registryImage } = await import('../../gardener/image-vector.ts');
  const file = environment['IMAGEVECTOR_OVERWRITE'] ?? '';
  return registryImage(image, file === '' ? [] : readImageVector(textOf(file), file));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new LarderError('CONFIG_INVALID', `IMAGEVECTOR_OVERWRITE: ${serverText(cause)}`, { cause });
  }
}
