import { readDocument } from '../../api/document/parse-document.ts';
import {
  MIRROR_API_VERSION,
  MIRROR_KIND,
  mirrorConfigSchema,
  type MirrorDocument,
} from '../../api/mirror-config/schema.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import { LarderError } from '../../kit/errors.ts';
import { COPY_PREFIX } from '../caches/referenced-secrets.ts';
import type { Extension } from '../extensions/resources.ts';
import { missingReferenceText, secretTargets } from '../shoots/shoot-resources.ts';
import { mirrorChange } from './mirror-change.ts';
import type { HookedShoot, NodeHook } from './node-hook.ts';
import type { ShootReads } from './shoot-reads.ts';

/** Leads nodes to the mirrors in the `providerConfig` of the Extension, also those of a hibernated shoot. */
export const mirrorHook: NodeHook = async (shoot) => {
  if (shoot.facts.isDeleted) return undefined;
  const mirrors = readMirrors(await shoot.reads.extension('registry-mirror'));
  return mirrorChange(mirrors, await readBundles(shoot, mirrors));
};

/** Longest certificates in base64 that are put into one configuration: no API server takes an object that is longer. */
const BUNDLES_BYTES = 3 * 1024 * 1024;

/** Reads the Secrets by reference. Ends at the limit, so that one shoot cannot fill the memory that all of the seed share. */
async function readBundles(
  { facts, reads }: HookedShoot,
  mirrors: readonly MirrorDocument[],
): Promise<ReadonlyMap<string, string>> {
  const targets = secretTargets(facts.resources);
  const bundles = new Map<string, string>();
  let bytes = 0;
  for (const { caBundleSecretReferenceName: reference } of mirrors.flatMap(({ hosts }) => hosts)) {
    if (reference === undefined) continue;
    const bundle = bundles.get(reference) ?? (await bundleOf(reads, targets, reference));
    bundles.set(reference, bundle);
    bytes += bundle.length;
    if (bytes > BUNDLES_BYTES)
      throw new LarderError(
        'CONFIG_INVALID',
        `the CA bundles of the mirrors take more than ${BUNDLES_BYTES} bytes on each node: expected smaller bundles, or fewer hosts with one`,
      );
  }
  return bundles;
}

/** The document has passed admission, perhaps of another version than this: unknown fields are left out. Without `apiVersion` it is empty, as in Go. */
function readMirrors({ metadata: { namespace, name }, spec }: Extension): readonly MirrorDocument[] {
  const extension = `extension '${namespace}/${name}'`;
  const document = spec?.providerConfig ?? undefined;
  if (document === undefined)
    throw new LarderError('CONFIG_INVALID', `${extension} does not have a .spec.providerConfig specified`);
  const type = { apiVersion: MIRROR_API_VERSION, kind: MIRROR_KIND, schema: mirrorConfigSchema };
  const { value, problems } = readDocument(type, document, '');
  const isUntyped = problems.some(({ kind, path }) => kind === 'Required' && path === 'apiVersion');
  const unreadable = problems.filter(({ kind }) => kind !== 'UnknownField' && kind !== 'Required');
  if (unreadable.length === 0 && value !== undefined) return isUntyped ? [] : value.mirrors;
  const message = `failed to decode providerConfig of ${extension}: ${problemsText(unreadable)}`;
  throw new LarderError('CONFIG_INVALID', message);
}

async function bundleOf(
  reads: ShootReads,
  targets: ReadonlyMap<string, string>,
  reference: string,
): Promise<string> {
  const target = targets.get(reference);
  if (target === undefined) throw new LarderError('CONFIG_INVALID', missingReferenceText(reference));
  const copy = `${COPY_PREFIX}${target}`;
  return reads.bundle(copy, () => `failed to read referenced secret ${copy} for reference ${reference}`);
}
