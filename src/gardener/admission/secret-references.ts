import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MirrorConfigDocument } from '../../api/mirror-config/schema.ts';
import type { CacheDocument, RegistryConfigDocument } from '../../api/registry-config/schema.ts';
import { defaultRemoteUrl } from '../../api/rules/upstream-names.ts';
import { beginsWithCertificate, isCaBundle } from '../../api/secrets/ca-bundle-rules.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import type { FieldPath, Problem } from '../../kit/document/field-problem.ts';
import { isKubeError, isNotFound } from '../../kube/kube-error.ts';
import { missingReferenceText } from '../shoots/shoot-resources.ts';
import { Denial } from '../webhook/denial.ts';
import type { ExtensionEntry } from './provider-config.ts';
import { bundleSecretProblems, credentialSecretProblems, type ReferencedSecret } from './secret-checks.ts';

/** Reads a Secret of the garden, without a cache. Throws a `KubeError`. */
export type SecretReader = (
  namespace: string,
  name: string,
  signal: AbortSignal,
) => Promise<ReferencedSecret>;

/** A field that names an entry of `spec.resources`, and what its Secret has to fulfil. */
export interface SecretReference {
  readonly path: FieldPath;
  /** Name of the entry. */
  readonly name: string;
  /** `secret` is `namespace/name`. */
  readonly problemsOf: (content: ReferencedSecret, secret: string) => string[];
}

/** The references of caches, in their order: for each cache its login, those of its `credentials`, its CA bundle. */
export function cacheReferences({ caches }: RegistryConfigDocument): SecretReference[] {
  return caches.flatMap((cache, index) => [...referencesOf(cache, ['caches', index])]);
}

function* referencesOf(cache: CacheDocument, path: FieldPath): Generator<SecretReference> {
  const { upstream, remoteURL = defaultRemoteUrl(upstream) } = cache;
  const problemsOf = (content: ReferencedSecret, secret: string) =>
    credentialSecretProblems(content, secret, { upstream, remoteURL });
  const logins = [
    { entry: path, name: cache.secretReferenceName },
    ...cache.credentials.map((credential, index) => ({
      entry: [...path, 'credentials', index],
      name: credential.secretReferenceName,
    })),
  ];
  for (const { entry, name } of logins) {
    if (name !== undefined) yield { path: [...entry, 'secretReferenceName'], name, problemsOf };
  }
  const { caBundleSecretReferenceName: bundle } = cache;
  if (bundle !== undefined) yield bundleReference(path, bundle, isCaBundle);
}

/** The references of mirrors to their CA bundles, in their order. */
export function mirrorReferences({ mirrors }: MirrorConfigDocument): SecretReference[] {
  return mirrors.flatMap(({ hosts }, mirror) =>
    hosts.flatMap(({ caBundleSecretReferenceName: name }, host) =>
      name === undefined
        ? []
        : [bundleReference(['mirrors', mirror, 'hosts', host], name, beginsWithCertificate)],
    ),
  );
}

function bundleReference(
  path: FieldPath,
  name: string,
  isValid: (bundle: string) => boolean,
): SecretReference {
  return {
    path: [...path, 'caBundleSecretReferenceName'],
    name,
    problemsOf: (content, secret) => bundleSecretProblems(content, secret, isValid),
  };
}

/**
 * Looks up references among `targets` in their order, and checks the Secrets. Each Secret is read once, for all its references, and not kept:
 * it can have 1 MiB, and a Shoot can name thousands. Other requests have their turn after each check. Throws a {@link Denial} if a Secret
 * cannot be read, and the signal's reason.
 */
export async function referenceProblems(
  references: readonly SecretReference[],
  { shoot, problems }: ExtensionEntry,
  targets: ReadonlyMap<string, string>,
  readSecret: SecretReader,
  signal: AbortSignal,
): Promise<Problem[]> {
  const { namespace } = shoot.metadata;
  const bySecret = Map.groupBy(references, ({ name }) => targets.get(name));
  const details = new Map<SecretReference, readonly string[]>();

  async function check(reference: SecretReference, name: string): Promise<void> {
    const secret = `${namespace}/${name}`;
    const content = await readSecret(namespace, name, signal).catch((error: unknown) => {
      if (!isKubeError(error)) throw error;
      const why = isNotFound(error) ? `secrets ${goQuote(name)} not found` : error.message;
      throw new Denial(
        `failed to get secret ${secret} for ${reference.path.at(-1)} ${reference.name}: ${why}`,
      );
    });
    for (const one of bySecret.get(name) ?? []) {
      details.set(one, one.problemsOf(content, secret));
      await nextTurn();
      signal.throwIfAborted();
    }
  }

  for (const reference of references) {
    const name = targets.get(reference.name);
    if (name === undefined) details.set(reference, [missingReferenceText(reference.name)]);
    else if (!details.has(reference)) await check(reference, name);
  }
  return references.flatMap((reference) =>
    (details.get(reference) ?? []).map((detail) => problems.invalid(reference.path, reference.name, detail)),
  );
}
