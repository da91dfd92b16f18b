import { build, type Metafile } from 'esbuild';
import { basename } from 'node:path';
import { importNames, NAMESPACE } from './import-names.ts';
import { ROOT } from './npm-lock.ts';

/** Program with everything that it imports, in a few files. */
export interface Bundle {
  /** Contents by file name. {@link ENTRY} is the program and loads the others. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Packages whose code is in the bundle, by their paths in the lockfile: `node_modules/a/node_modules/b`. */
  readonly packages: readonly string[];
  /** Packages whose code every start loads. The others are loaded by an `import()`. */
  readonly packagesAtStart: readonly string[];
}

export const ENTRY = 'larder.js';

/**
 * First lines of the program. The image has no shell, so the kernel starts Node.js with one flag; `bin/larder` gives the reason for
 * the flag. All other settings are in the image's environment.
 */
const START = `#!/usr/bin/node --max-semi-space-size=1\nimport './src/cli/bin.ts';\n`;

/** Defines the `require` by which bundled CommonJS modules load modules of Node.js. */
const REQUIRE = `import { createRequire as createBundleRequire } from 'node:module';
const require = createBundleRequire(import.meta.url);`;

/**
 * Bundles the program from its sources. Code that is loaded by `import()`, such as the cloud clients, stays in files of its own. White
 * space is removed, which saves 4 MB of memory; names are kept for stack traces.
 */
export async function bundle(): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    stdin: { contents: START, resolveDir: ROOT, sourcefile: 'start.ts' },
    outdir: 'bundle',
    entryNames: ENTRY.replace(/\.js$/, ''),
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner: { js: REQUIRE },
    plugins: [importNames()],
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const entry = Object.keys(metafile.outputs).find((path) => basename(path) === ENTRY);
  if (entry === undefined) throw new Error(`esbuild wrote no ${ENTRY}`);
  return {
    files: new Map(outputFiles.map(({ path, contents }) => [basename(path), contents])),
    packages: packagesOf(metafile, Object.keys(metafile.outputs)),
    packagesAtStart: packagesOf(metafile, loadedWith(metafile, entry)),
  };
}

/** Lists `entry` and everything that it imports statically, directly or not. */
function loadedWith(metafile: Metafile, entry: string): string[] {
  const loaded = new Set([entry]);
  for (const path of loaded)
    for (const imported of metafile.outputs[path]?.imports ?? [])
      if (imported.kind === 'import-statement' && imported.external !== true) loaded.add(imported.path);
  return [...loaded];
}

function packagesOf({ outputs }: Metafile, paths: readonly string[]): string[] {
  const sources = paths.flatMap((path) =>
    Object.entries(outputs[path]?.inputs ?? {}).flatMap(([source, { bytesInOutput }]) =>
      bytesInOutput > 0 && !source.startsWith(`${NAMESPACE}:`) ? [source] : [],
    ),
  );
  const packages = sources.map((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0]);
  return [...new Set(packages)].filter((found) => found !== undefined).sort();
}
