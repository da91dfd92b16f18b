import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findPart } from '../../test/parts/find.ts';
import type { Artifact } from './provenance.ts';
import type { Tools } from './tools.ts';

/** Signs on behalf of the workflow run, or in a dry run with its key. */
export interface Signer {
  /** Signs what a registry has. With `recursive` every manifest of an index, too. */
  sign(artifact: Artifact, options: { readonly recursive: boolean }): Promise<void>;
  /** Attaches a signed statement of this predicate to what a registry has. */
  attest(artifact: Artifact, predicateType: PredicateType, predicateFile: string): Promise<void>;
  /** Signs a statement about files, and writes everything that a check needs into a bundle. */
  attestFiles(statementFile: string, bundleFile: string): Promise<void>;
}

/** As cosign calls them. */
export type PredicateType = 'slsaprovenance1' | 'cyclonedx';

/** Signs as the workflow run, with the token that its forge gives to cosign. */
export function createWorkflowSigner(tools: Tools): Signer {
  return createSigner(tools, ['--yes'], []);
}

/**
 * Makes a key in the directory `work`, writes its public half to `out/cosign.pub`, and signs with it. Leaves the transparency log alone,
 * and pushes over plain http. Gives undefined where cosign is not installed.
 */
export async function createDryRunSigner(
  tools: Tools,
  work: string,
  out: string,
): Promise<Signer | undefined> {
  if (findPart('cosign') === undefined) return undefined;
  const prefix = join(work, 'cosign');
  await tools.cosign('generate-key-pair', '--output-key-prefix', prefix);
  await copyFile(`${prefix}.pub`, join(out, 'cosign.pub'));
  const services = join(work, 'signing-config.json');
  await writeFile(
    services,
    JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json' }),
  );
  const key = ['--yes', '--key', `${prefix}.key`, '--signing-config', services];
  return createSigner(tools, key, ['--allow-http-registry']);
}

function createSigner({ cosign }: Tools, identity: readonly string[], registry: readonly string[]): Signer {
  return {
    async sign(artifact, { recursive }) {
      const depth = recursive ? ['--recursive'] : [];
      await cosign('sign', ...identity, ...registry, ...depth, referenceOf(artifact));
    },
    async attest(artifact, predicateType, predicateFile) {
      const predicate = ['--type', predicateType, '--predicate', predicateFile];
      await cosign('attest', ...identity, ...registry, ...predicate, referenceOf(artifact));
    },
    async attestFiles(statementFile, bundleFile) {
      await cosign('attest-blob', ...identity, '--statement', statementFile, '--bundle', bundleFile);
    },
  };
}

function referenceOf({ name, digest }: Artifact): string {
  return `${name}@${digest}`;
}
