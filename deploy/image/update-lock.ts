/** `npm run image:lock`: pins the newest Debian packages that this machine's apt sources have, for every platform. */
import { openApt } from './apt.ts';
import { DEBIAN_NAMES, writeLock } from './debian-lock.ts';
import { PLATFORMS } from './platforms.ts';

await using apt = await openApt();
const found = [];
for (const { architecture } of Object.values(PLATFORMS))
  found.push(...(await apt.newest(DEBIAN_NAMES, architecture)));
writeLock(found);
for (const { name, architecture, version } of found) console.log(`${name} ${version} ${architecture}`);
