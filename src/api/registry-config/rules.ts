import { formatDuration, type Duration } from '../../kit/duration.ts';
import { labelErrors, subdomainErrors } from '../rules/dns-names.ts';
import { problemsAt, type FieldPath, type Problem, type Problems } from '../../kit/document/field-problem.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import {
  hostPortErrors,
  isUnusableHost,
  maskUserInfo,
  originUrlErrors,
  UNUSABLE_HOST,
} from '../rules/host-and-url.ts';
import type { CacheDocument, RegistryConfigDocument } from './schema.ts';
import { secretNameRules } from '../rules/secret-name-rules.ts';
import { upstreamResourceName } from '../rules/upstream-names.ts';
import { nonNegativeMessage, patternMessage, RULE_MESSAGES } from '../rules/rule-messages.ts';

/**
 * Checks a document: for each cache the rules of the Gardener extension in its order and words, then Larder's own rules; after
 * all caches the rules across caches. A field that `isBroken` could not be read and counts as left out. It causes no problem,
 * and neither does a rule that depends on it.
 */
export function registryConfigProblems(
  document: RegistryConfigDocument,
  prefix: string,
  isBroken: (path: string) => boolean,
): Problem[] {
  const problems = problemsAt(prefix);
  const unread = (...path: FieldPath) => isBroken(problems.at(path));
  const found = [...rules(document, problems, unread)];
  return found.filter((problem) => !isBroken(problem.path));
}

type Unread = (...path: FieldPath) => boolean;

function* rules(document: RegistryConfigDocument, problems: Problems, unread: Unread): Generator<Problem> {
  const { caches, registryConfigReplication } = document;
  const mayBeEmpty = registryConfigReplication.enabled || unread('registryConfigReplication', 'enabled');
  if (caches.length === 0 && !mayBeEmpty) {
    yield problems.required(['caches'], RULE_MESSAGES.oneCache);
  }
  const upstreams = new Set<string>();
  for (const [index, cache] of caches.entries()) {
    const path = ['caches', index];
    yield* extensionRules(cache, path, problems);
    if (upstreams.has(cache.upstream)) {
      yield problems.duplicate([...path, 'upstream'], maskUserInfo(cache.upstream));
    }
    upstreams.add(cache.upstream);
    yield* ownRules(cache, path, problems, unread);
  }
  yield* serviceNameRules(caches, problems);
}

/** The rules of the Gardener extension for one entry. */
function* extensionRules(cache: CacheDocument, path: FieldPath, problems: Problems): Generator<Problem> {
  const { volume, garbageCollection, proxy, serviceNameSuffix } = cache;
  for (const error of hostPortErrors(cache.upstream)) {
    yield problems.invalid([...path, 'upstream'], maskUserInfo(cache.upstream), error);
  }
  yield* urlRules(cache.remoteURL, [...path, 'remoteURL'], problems);
  if (volume.size.nano <= 0n) {
    yield problems.invalid([...path, 'volume', 'size'], volume.size.text, RULE_MESSAGES.positive);
  }
  if (volume.storageClassName !== undefined) {
    for (const error of subdomainErrors(volume.storageClassName)) {
      yield problems.invalid([...path, 'volume', 'storageClassName'], volume.storageClassName, error);
    }
  }
  yield* nonNegative(garbageCollection.ttl, [...path, 'garbageCollection', 'ttl'], problems);
  yield* urlRules(proxy.httpProxy, [...path, 'proxy', 'httpProxy'], problems);
  yield* urlRules(proxy.httpsProxy, [...path, 'proxy', 'httpsProxy'], problems);
  if (serviceNameSuffix !== undefined) {
    for (const error of labelErrors(serviceNameSuffix)) {
      yield problems.invalid([...path, 'serviceNameSuffix'], serviceNameSuffix, error);
    }
    if (Buffer.byteLength(serviceNameSuffix) > SUFFIX_LIMIT) {
      yield problems.tooLong([...path, 'serviceNameSuffix'], SUFFIX_LIMIT);
    }
  }
}

/** Room for `registry-` within the 63 bytes of a Service's name. */
const SUFFIX_LIMIT = 54;

/** The rules for the fields that Larder adds to an entry, and its stricter rules. */
function* ownRules(
  cache: CacheDocument,
  path: FieldPath,
  problems: Problems,
  unread: Unread,
): Generator<Problem> {
  const { authentication, freshness, garbageCollection } = cache;
  if (isUnusableHost(cache.upstream)) {
    yield problems.invalid([...path, 'upstream'], cache.upstream, UNUSABLE_HOST);
  }
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
  yield* nonNegative(freshness.tagTTL, [...path, 'freshness', 'tagTTL'], problems);
  yield* nonNegative(freshness.staleIfError, [...path, 'freshness', 'staleIfError'], problems);
  const { maxSize } = garbageCollection;
  if (maxSize !== undefined && maxSize.nano <= 0n) {
    yield problems.invalid([...path, 'garbageCollection', 'maxSize'], maxSize.text, RULE_MESSAGES.positive);
  }
  yield* secretNameRules(cache.secretReferenceName, [...path, 'secretReferenceName'], problems);
  yield* credentialRules(cache, path, problems, unread);
  const caBundle = [...path, 'caBundleSecretReferenceName'];
  yield* secretNameRules(cache.caBundleSecretReferenceName, caBundle, problems);
  yield* patternRules(cache.preload, [...path, 'preload'], 'an image reference', problems);
}

/** True if the entry configures a credential in any way. The default mode is then `Shared`. */
export function hasOwnCredential(cache: CacheDocument): boolean {
  return (
    cache.secretReferenceName !== undefined || cache.credentials.length > 0 || cache.provider !== undefined
  );
}

function* credentialRules(
  cache: CacheDocument,
  path: FieldPath,
  problems: Problems,
  unread: Unread,
): Generator<Problem> {
  if (cache.provider !== undefined && cache.secretReferenceName !== undefined) {
    yield problems.forbidden([...path, 'provider'], RULE_MESSAGES.exclusive);
  }
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
    yield* secretNameRules(credential.secretReferenceName, [...entry, 'secretReferenceName'], problems);
    if (credential.provider !== undefined && credential.secretReferenceName !== undefined) {
      yield problems.forbidden([...entry, 'provider'], RULE_MESSAGES.exclusive);
    }
    const hasSource = credential.provider !== undefined || credential.secretReferenceName !== undefined;
    if (!hasSource && !unread(...entry, 'provider')) {
      yield problems.required([...entry, 'secretReferenceName'], RULE_MESSAGES.oneSource);
    }
  }
}

function* patternRules(
  entries: readonly string[],
  path: FieldPath,
  what: string,
  problems: Problems,
): Generator<Problem> {
  const seen = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (entry === '' || /\s|:\/\//.test(entry)) {
      yield problems.invalid([...path, index], maskUserInfo(entry), patternMessage(what));
    }
    if (seen.has(entry)) yield problems.duplicate([...path, index], maskUserInfo(entry));
    seen.add(entry);
  }
}

/** Checks that no two caches have the same Service name. */
function* serviceNameRules(caches: readonly CacheDocument[], problems: Problems): Generator<Problem> {
  const computed = new Map<string, string>();
  for (const cache of caches) {
    if (cache.serviceNameSuffix === undefined) {
      computed.set(upstreamResourceName(cache.upstream), cache.upstream);
    }
  }
  const suffixes = new Set<string>();
  for (const [index, { serviceNameSuffix: suffix }] of caches.entries()) {
    if (suffix === undefined) continue;
    const path = ['caches', index, 'serviceNameSuffix'];
    if (suffixes.has(suffix)) yield problems.duplicate(path, suffix);
    suffixes.add(suffix);
    const taken = computed.get(`registry-${suffix}`);
    if (taken !== undefined) {
      yield problems.invalid(path, suffix, `cannot collide with ${goQuote(maskUserInfo(taken))} upstream`);
    }
  }
}

function* urlRules(url: string | undefined, path: FieldPath, problems: Problems): Generator<Problem> {
  if (url === undefined) return;
  for (const error of originUrlErrors(url)) yield problems.invalid(path, maskUserInfo(url), error);
}

function* nonNegative(duration: Duration, path: FieldPath, problems: Problems): Generator<Problem> {
  if (duration >= 0n) return;
  const field = String(path.at(-1));
  yield problems.invalid(path, formatDuration(duration), nonNegativeMessage(field));
}
