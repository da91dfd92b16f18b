/** A file, a directory (its name ends in `/`) or a symbolic link. */
export interface TarEntry {
  readonly name: string;
  /** 0644 unless told. */
  readonly mode?: number;
  readonly content?: Uint8Array;
  readonly linkTo?: string;
}

const BLOCK = 512;

/** A ustar archive (POSIX.1-2001, pax, "ustar Interchange Format") of root's files, all dated 1970. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = entry.content ?? new Uint8Array();
    return [
      headerOf(entry, content.length),
      content,
      Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
    ];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function headerOf({ name, mode = 0o644, linkTo = '' }: TarEntry, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, width: number): void => {
    header.write(value.toString(8).padStart(width - 1, '0'), offset);
  };
  header.write(name, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8); // owner
  octal(0, 116, 8); // group
  octal(size, 124, 12);
  octal(0, 136, 12); // time
  header.write(linkTo !== '' ? '2' : name.endsWith('/') ? '5' : '0', 156);
  header.write(linkTo, 157, 100);
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
