import type { TarEntry } from './tar.ts';

/** User and group of the image. They own only the directory of the store. */
export const USER_ID = 65_532;

/** Directory of the store, where its volume is mounted. */
export const STORE_PATH = '/var/lib/larder';

/** Lists the files that programs expect of any system and that Debian's packages lack. */
export function systemFiles(): TarEntry[] {
  const home = STORE_PATH;
  return [
    text(
      'etc/passwd',
      `root:x:0:0:root:/root:/sbin/nologin\nlarder:x:${USER_ID}:${USER_ID}::${home}:/sbin/nologin\n`,
    ),
    text('etc/group', `root:x:0:\nlarder:x:${USER_ID}:\n`),
    // Without this file, glibc queries no DNS server if /etc/hosts is missing.
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    { name: 'tmp/', mode: 0o1777 },
    // A new volume of Docker gets the owner of the directory on which it is mounted.
    { name: `${home.slice(1)}/`, mode: 0o700, owner: USER_ID },
  ];
}

function text(name: string, content: string): TarEntry {
  return { name, content: Buffer.from(content) };
}
