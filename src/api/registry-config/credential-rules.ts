import type { FieldPath, Problem } from '../../kit/document/field-problem.ts';
import { patternRules } from '../rules/pattern-rules.ts';
import { RULE_MESSAGES } from '../rules/rule-messages.ts';
import { secretNameRules } from '../rules/secret-name-rules.ts';
import type { RuleContext } from './rules.ts';
import type { CacheDocument } from './schema.ts';

const NO_CLOUD_IDENTITY =
  "a Shoot's caches have no cloud identity of their own: turn on registryConfigReplication and create a RegistryConfig with " +
  'this provider in the shoot';

/** True if the entry configures a credential in any way. The default mode is then `Shared`. */
export function hasOwnCredential(cache: CacheDocument): boolean {
  return (
    cache.secretReferenceName !== undefined || cache.credentials.length > 0 || cache.provider !== undefined
  );
}

/** Checks the credentials of an entry, and the names of its Secrets. */
export function* credentialRules(
  cache: CacheDocument,
  path: FieldPath,
  context: RuleContext,
): Generator<Problem> {
  const { problems, unread } = context;
  yield* secretRules(cache, path, 'secretReferenceName', context);
  yield* providerRules(cache, path, context);
  for (const [index, credential] of cache.credentials.entries()) {
    const entry = [...path, 'credentials', index];
    if (credential.repositories.length === 0) {
      yield problems.required([...entry, 'repositories'], RULE_MESSAGES.onePattern);
    }
    yield* patternRules(
      credential.repositories,
      [...entry, 'repositories'],
      'a repository pattern',
      problems,
    );
    yield* secretRules(credential, entry, 'secretReferenceName', context);
    yield* providerRules(credential, entry, context);
    const hasSource = credential.provider !== undefined || credential.secretReferenceName !== undefined;
    if (!hasSource && !unread(...entry, 'provider')) {
      yield problems.required([...entry, 'secretReferenceName'], RULE_MESSAGES.oneSource);
    }
  }
  yield* secretRules(cache, path, 'caBundleSecretReferenceName', context);
}

/** In a Shoot the field names an entry of `spec.resources`, where admission looks it up. */
function* secretRules<Field extends string>(
  entry: { readonly [Name in Field]?: string | undefined },
  path: FieldPath,
  field: Field,
  { problems, carrier }: RuleContext,
): Generator<Problem> {
  if (carrier === 'Object') yield* secretNameRules(entry[field], [...path, field], problems);
}

function* providerRules(
  { provider, secretReferenceName }: Pick<CacheDocument, 'provider' | 'secretReferenceName'>,
  path: FieldPath,
  { problems, carrier }: RuleContext,
): Generator<Problem> {
  if (provider === undefined) return;
  if (carrier === 'Shoot') yield problems.forbidden([...path, 'provider'], NO_CLOUD_IDENTITY);
  else if (secretReferenceName !== undefined) {
    yield problems.forbidden([...path, 'provider'], RULE_MESSAGES.exclusive);
  }
}
