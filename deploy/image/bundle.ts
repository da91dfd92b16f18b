import { build, type Metafile } from 'esbuild';
import { basename } from 'node:path';
import { importNames, NAMESPACE } from './import-names.ts';
import { ROOT } from './npm-lock.ts';

/** The program with all it imports, in a few files. */
export interface Bundle {
  /** By file name; {@link ENTRY} is the program, the others are loaded by it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The packages whose code is in it, as the lockfile calls them: `node_modules/a/node_modules/b`. */
  readonly packages: readonly string[];
  /** The packages of them whose code every start loads; the others wait for an `import()`. */
  readonly packagesAtStart: readonly string[];
}

export const ENTRY = 'larder.js';

/**
 * How the kernel starts it, there being no shell: with one flag, for the reason that `bin/larder` gives. The image's
 * environment has the rest.
 */
const START = `#!/usr/bin/node --max-semi-space-size=1\nimport './src/cli/bin.ts';\n`;

/** Gives the CommonJS modules in it the `require` that they call for modules of Node.js. */
const REQUIRE = `import { createRequire as createBundleRequire } from 'node:module';
const require = createBundleRequire(import.meta.url);`;

/**
 * Bundles the program from its sources. What the source loads by `import()`, such as the clients of the clouds, stays
 * in files of its own. White space goes (4 MB less memory), names stay, for stack traces.
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

/** `entry` and everything it imports, directly or not, before its first line runs. */
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
