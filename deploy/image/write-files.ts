/** `node deploy/image/write-files.ts DIR`: writes Larder's own files of the image below DIR, for other ways to build an image. */
import { bundle } from './bundle.ts';
import { writeBelow } from './file-tree.ts';
import { larderFiles } from './larder-files.ts';
import { createNpmLock } from './npm-lock.ts';
import { larderVersion } from './read-arguments.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('DIR is missing: the directory to write to');
writeBelow(directory, larderFiles(await bundle(), larderVersion(), createNpmLock()));
