/** File, directory (its name ends in `/`) or symbolic link. */
export interface TarEntry {
  readonly name: string;
  /** Default: 0644. */
  readonly mode?: number;
  /** User and group. Default: root. */
  readonly owner?: number;
  readonly content?: Uint8Array;
  readonly linkTo?: string;
}

const BLOCK = 512;

/** Size of the fields `name` and `linkname` in bytes. Longer names would need extended headers. */
const NAME_BYTES = 100;

/**
 * Writes a ustar archive (POSIX.1-2001, pax, "ustar Interchange Format") whose files are dated `epoch` seconds after 1970. Throws an
 * `Error` for a name or a link of more than 100 bytes.
 */
export function tarOf(entries: readonly TarEntry[], epoch = 0): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = entry.content ?? new Uint8Array();
    return [
      headerOf(entry, content.length, epoch),
      content,
      Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
    ];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(entry: TarEntry, size: number, epoch: number): Buffer {
  const { name, mode = 0o644, owner = 0, linkTo = '' } = entry;
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, width: number): void => {
    header.write(value.toString(8).padStart(width - 1, '0'), offset);
  };
  const path = (value: string, offset: number): void => {
    if (Buffer.byteLength(value) > NAME_BYTES)
      throw new Error(`too long for a tar header, ${NAME_BYTES} bytes at most: ${value}`);
    header.write(value, offset);
  };
  path(name, 0);
  octal(mode, 100, 8);
  octal(owner, 108, 8); // user
  octal(owner, 116, 8); // group
  octal(size, 124, 12);
  octal(epoch, 136, 12);
  header.write(linkTo !== '' ? '2' : name.endsWith('/') ? '5' : '0', 156);
  path(linkTo, 157);
  header.write('ustar\x0000', 257);
  // The checksum is the sum of the header's bytes with its own field taken as spaces.
  header.fill(' ', 148, 156);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}
