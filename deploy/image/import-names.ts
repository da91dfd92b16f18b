import { build as bundleOf, type Plugin } from 'esbuild';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './npm-lock.ts';

/** esbuild namespace of the generated modules, which have no files. */
export const NAMESPACE = 'import-names';

/**
 * Makes `import()` of a CommonJS package give the same names as in Node.js. When esbuild splits, it gives only `default`, because the
 * names of such a module are known only at run time. Therefore Node.js loads each such module during the build, and the bundle imports
 * it through a generated module that exports its names.
 */
export function importNames(): Plugin {
  return {
    name: NAMESPACE,
    setup(build) {
      build.onResolve({ filter: /./ }, async ({ path, kind, importer, resolveDir }) => {
        if (kind !== 'dynamic-import' || path.startsWith('node:')) return undefined;
        // Resolves as a plain import: a dynamic one would call this function again.
        const found = await build.resolve(path, { kind: 'import-statement', importer, resolveDir });
        // The package is missing, perhaps on purpose; esbuild decides what that means.
        if (found.errors.length > 0) return undefined;
        if (found.external || !(await isCommonJs(found.path))) return found;
        // The path is relative, so that the bundle does not depend on the directory of the checkout.
        return { path: relative(ROOT, found.path), namespace: NAMESPACE };
      });
      build.onLoad({ filter: /./, namespace: NAMESPACE }, async ({ path }) => {
        const names = Object.keys((await import(pathToFileURL(join(ROOT, path)).href)) as object);
        // Node.js adds the name `module.exports` to CommonJS modules. No code imports it.
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
