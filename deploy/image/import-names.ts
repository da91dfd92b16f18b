import { build as bundleOf, type Plugin } from 'esbuild';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './npm-lock.ts';

/** Where the modules live that this makes up; no file has their names. */
export const NAMESPACE = 'import-names';

/**
 * Makes `import()` of a CommonJS package give the names that Node.js gives. esbuild, when it splits, has only `default`
 * for such a module, since its names are known when it runs and not before. So each is asked for its names now, by
 * Node.js, and loaded through a module that says them.
 */
export function importNames(): Plugin {
  return {
    name: NAMESPACE,
    setup(build) {
      build.onResolve({ filter: /./ }, async ({ path, kind, importer, resolveDir }) => {
        if (kind !== 'dynamic-import' || path.startsWith('node:')) return undefined;
        // As a plain import, or this would be asked again.
        const found = await build.resolve(path, { kind: 'import-statement', importer, resolveDir });
        // Not there, perhaps on purpose: for esbuild to judge.
        if (found.errors.length > 0) return undefined;
        if (found.external || !(await isCommonJs(found.path))) return found;
        // Relative, so that the bundle does not depend on where the checkout is.
        return { path: relative(ROOT, found.path), namespace: NAMESPACE };
      });
      build.onLoad({ filter: /./, namespace: NAMESPACE }, async ({ path }) => {
        const names = Object.keys((await import(pathToFileURL(join(ROOT, path)).href)) as object);
        // Node.js adds `module.exports` to those of CommonJS modules; nobody imports it by name.
        const listed = names.filter((name) => name !== 'module.exports').sort();
        return { contents: `export { ${listed.join(', ')} } from './${path}';`, resolveDir: ROOT };
      });
    },
  };
}

async function isCommonJs(path: string): Promise<boolean> {
  const { metafile } = await bundleOf({
    absWorkingDir: ROOT,
    entryPoints: [path],
    outdir: 'nowhere',
    bundle: true,
    platform: 'node',
    packages: 'external',
    format: 'esm',
    metafile: true,
    write: false,
  });
  return metafile.inputs[relative(ROOT, path)]?.format === 'cjs';
}
