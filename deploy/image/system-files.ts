import type { TarEntry } from './tar.ts';

/** User and group the image runs as; nothing but the store's directory is theirs. */
export const USER_ID = 65_532;

/** Where a volume with the store belongs. */
export const STORE_PATH = '/var/lib/larder';

/** What a program expects of any system, beside what Debian's packages bring. */
export function systemFiles(): TarEntry[] {
  const home = STORE_PATH;
  return [
    text(
      'etc/passwd',
      `root:x:0:0:root:/root:/sbin/nologin\nlarder:x:${USER_ID}:${USER_ID}::${home}:/sbin/nologin\n`,
    ),
    text('etc/group', `root:x:0:\nlarder:x:${USER_ID}:\n`),
    // Without it, glibc asks no DNS server where /etc/hosts is missing.
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    { name: 'tmp/', mode: 0o1777 },
    // A new volume of Docker takes over the owner of the directory below it.
    { name: `${home.slice(1)}/`, mode: 0o700, owner: USER_ID },
  ];
}

function text(name: string, content: string): TarEntry {
  return { name, content: Buffer.from(content) };
}
