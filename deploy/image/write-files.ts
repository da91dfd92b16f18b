/** `node deploy/image/write-files.ts DIR`: writes what the image has of Larder itself below DIR, for another way to build one. */
import { bundle } from './bundle.ts';
import { writeBelow } from './file-tree.ts';
import { larderFiles } from './larder-files.ts';
import { createNpmLock } from './npm-lock.ts';
import { larderVersion } from './read-arguments.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('DIR is missing: the directory to write to');
writeBelow(directory, larderFiles(await bundle(), larderVersion(), createNpmLock()));
