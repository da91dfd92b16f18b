import { formatDuration, type Duration } from '../../kit/duration.ts';
import type { FieldPath, Problem, Problems } from '../../kit/document/field-problem.ts';
import { credentialRules, hasOwnCredential } from './credential-rules.ts';
import { isUnusableHost, isUnusableOrigin, UNUSABLE_HOST } from '../rules/host-and-url.ts';
import { patternRules } from '../rules/pattern-rules.ts';
import { nonNegativeMessage, RULE_MESSAGES } from '../rules/rule-messages.ts';
import type { RuleContext } from './rules.ts';
import type { CacheDocument } from './schema.ts';

/** Checks the fields that Larder adds to an entry. In an object of its own, also what Larder demands of the other fields. */
export function* ownRules(cache: CacheDocument, path: FieldPath, context: RuleContext): Generator<Problem> {
  const { problems, carrier } = context;
  if (carrier === 'Object') yield* hostRules(cache, path, problems);
  yield* authenticationRules(cache, path, context);
  const { freshness, garbageCollection } = cache;
  yield* nonNegative(freshness.tagTTL, [...path, 'freshness', 'tagTTL'], problems);
  yield* nonNegative(freshness.staleIfError, [...path, 'freshness', 'staleIfError'], problems);
  const { maxSize } = garbageCollection;
  if (maxSize !== undefined && maxSize.nano <= 0n) {
    yield problems.invalid([...path, 'garbageCollection', 'maxSize'], maxSize.text, RULE_MESSAGES.positive);
  }
  yield* credentialRules(cache, path, context);
  yield* patternRules(cache.preload, [...path, 'preload'], 'an image reference', problems);
}

/** Refuses hosts that pass the rules of the Gardener extension and that no client can connect to. */
function* hostRules(cache: CacheDocument, path: FieldPath, problems: Problems): Generator<Problem> {
  const { upstream, remoteURL, proxy } = cache;
  if (isUnusableHost(upstream)) yield problems.invalid([...path, 'upstream'], upstream, UNUSABLE_HOST);
  const urls: readonly [FieldPath, string | undefined][] = [
    [['remoteURL'], remoteURL],
    [['proxy', 'httpProxy'], proxy.httpProxy],
    [['proxy', 'httpsProxy'], proxy.httpsProxy],
  ];
  for (const [field, url] of urls) {
    if (url !== undefined && isUnusableOrigin(url)) {
      yield problems.invalid([...path, ...field], url, UNUSABLE_HOST);
    }
  }
}

function* authenticationRules(
  cache: CacheDocument,
  path: FieldPath,
  { problems, unread }: RuleContext,
): Generator<Problem> {
  const { authentication } = cache;
  if (authentication.mode === 'Caller' && hasOwnCredential(cache)) {
    yield problems.invalid([...path, 'authentication', 'mode'], 'Caller', RULE_MESSAGES.sharedOnly);
  }
  yield* nonNegative(authentication.proofLifetime, [...path, 'authentication', 'proofLifetime'], problems);
  const outageGrace = [...path, 'authentication', 'outageGrace'];
  yield* nonNegative(authentication.outageGrace, outageGrace, problems);
  const mayBridge = authentication.realm === 'Cache' || unread(...path, 'authentication', 'realm');
  if (authentication.outageGrace > 0n && !mayBridge) {
    const value = formatDuration(authentication.outageGrace);
    yield problems.invalid(outageGrace, value, RULE_MESSAGES.graceNeedsRealm);
  }
}

function* nonNegative(duration: Duration, path: FieldPath, problems: Problems): Generator<Problem> {
  if (duration >= 0n) return;
  const field = String(path.at(-1));
  yield problems.invalid(path, formatDuration(duration), nonNegativeMessage(field));
}
