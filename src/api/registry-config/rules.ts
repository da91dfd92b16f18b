import { formatDuration } from '../../kit/duration.ts';
import { labelErrors, subdomainErrors } from '../rules/dns-names.ts';
import type { Carrier } from '../document/parse-document.ts';
import { problemsAt, type FieldPath, type Problem, type Problems } from '../../kit/document/field-problem.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import { hostPortErrors, maskUserInfo, originUrlErrors } from '../rules/host-and-url.ts';
import { ownRules } from './own-rules.ts';
import type { CacheDocument, RegistryConfigDocument } from './schema.ts';
import { upstreamResourceName } from '../rules/upstream-names.ts';
import { nonNegativeMessage, RULE_MESSAGES } from '../rules/rule-messages.ts';

/**
 * Checks a document: for each cache the rules of the Gardener extension in its order and words, then Larder's own rules; after
 * all caches the rules across caches. A field that `isBroken` could not be read and counts as left out. It causes no problem,
 * and neither does a rule that depends on it.
 */
export function registryConfigProblems(
  document: RegistryConfigDocument,
  prefix: string,
  isBroken: (path: string) => boolean,
  carrier: Carrier,
): Problem[] {
  const problems = problemsAt(prefix);
  const unread = (...path: FieldPath) => isBroken(problems.at(path));
  const found = [...rules(document, { problems, unread, carrier })];
  return found.filter((problem) => !isBroken(problem.path));
}

/** The parts of a check that every rule gets. */
export interface RuleContext {
  readonly problems: Problems;
  /** True for a field that could not be read. */
  readonly unread: (...path: FieldPath) => boolean;
  readonly carrier: Carrier;
}

function* rules(document: RegistryConfigDocument, context: RuleContext): Generator<Problem> {
  const { problems, unread } = context;
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
    yield* ownRules(cache, path, context);
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
  if (garbageCollection.ttl < 0n) {
    const value = formatDuration(garbageCollection.ttl);
    yield problems.invalid([...path, 'garbageCollection', 'ttl'], value, nonNegativeMessage('ttl'));
  }
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

function* urlRules(url: string | undefined, path: FieldPath, problems: Problems): Generator<Problem> {
  if (url === undefined) return;
  for (const error of originUrlErrors(url)) yield problems.invalid(path, maskUserInfo(url), error);
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
