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

/** Leads nodes to the mirrors in the `providerConfig` of the Extension, also those of a hibernated shoot. */
export const mirrorHook: NodeHook = async (shoot) => {
  if (shoot.facts.isDeleted) return undefined;
  const mirrors = readMirrors(await shoot.reads.extension('registry-mirror'));
  const bundles = new Map<string, string>();
  for (const { caBundleSecretReferenceName: reference } of mirrors.flatMap(({ hosts }) => hosts)) {
    if (reference !== undefined && !bundles.has(reference))
      bundles.set(reference, await bundleOf(shoot, reference));
  }
  return mirrorChange(mirrors, bundles);
};

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

async function bundleOf({ facts: { resources }, reads }: HookedShoot, reference: string): Promise<string> {
  const target = secretTargets(resources).get(reference);
  if (target === undefined) throw new LarderError('CONFIG_INVALID', missingReferenceText(reference));
  const copy = `${COPY_PREFIX}${target}`;
  return reads.bundle(copy, () => `failed to read referenced secret ${copy} for reference ${reference}`);
}
