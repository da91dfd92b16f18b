import { problemsAt, type FieldPath, type Problem, type Problems } from '../../kit/document/field-problem.ts';
import type { Carrier } from '../document/parse-document.ts';
import {
  hostPortErrors,
  isUnusableHost,
  isUnusableMirror,
  maskUserInfo,
  mirrorUrlErrors,
  UNUSABLE_HOST,
} from '../rules/host-and-url.ts';
import {
  MIRROR_CAPABILITIES,
  type MirrorConfigDocument,
  type MirrorDocument,
  type MirrorHostDocument,
} from './schema.ts';
import { secretNameRules } from '../rules/secret-name-rules.ts';
import { RULE_MESSAGES } from '../rules/rule-messages.ts';

/**
 * Checks a document in the words and order of the Gardener extension. For an object of its own, Larder's stricter rules for an
 * entry follow those of the extension. A field that `isBroken` causes no problem.
 */
export function mirrorConfigProblems(
  document: MirrorConfigDocument,
  prefix: string,
  isBroken: (path: string) => boolean,
  carrier: Carrier,
): Problem[] {
  return [...rules(document, problemsAt(prefix), carrier)].filter((problem) => !isBroken(problem.path));
}

function* rules({ mirrors }: MirrorConfigDocument, problems: Problems, carrier: Carrier): Generator<Problem> {
  if (mirrors.length === 0) yield problems.required(['mirrors'], RULE_MESSAGES.oneMirror);
  const upstreams = new Set<string>();
  for (const [index, mirror] of mirrors.entries()) {
    const { upstream, hosts } = mirror;
    const path = ['mirrors', index];
    for (const error of hostPortErrors(upstream)) {
      yield problems.invalid([...path, 'upstream'], maskUserInfo(upstream), error);
    }
    yield* hostRules(hosts, [...path, 'hosts'], problems);
    if (upstreams.has(upstream)) yield problems.duplicate([...path, 'upstream'], maskUserInfo(upstream));
    upstreams.add(upstream);
    if (carrier === 'Object') yield* ownRules(mirror, path, problems);
  }
}

function* hostRules(
  hosts: readonly MirrorHostDocument[],
  path: FieldPath,
  problems: Problems,
): Generator<Problem> {
  if (hosts.length === 0) yield problems.required(path, RULE_MESSAGES.oneHost);
  const urls = new Set<string>();
  for (const [index, host] of hosts.entries()) {
    const url = [...path, index, 'host'];
    for (const error of mirrorUrlErrors(host.host)) {
      yield problems.invalid(url, maskUserInfo(host.host), error);
    }
    if (urls.has(host.host)) yield problems.duplicate(url, maskUserInfo(host.host));
    urls.add(host.host);
    yield* capabilityRules(host.capabilities, [...path, index, 'capabilities'], problems);
  }
}

/** As in the Gardener extension, the path of an unknown capability is the list, and that of a repeated one its entry. */
function* capabilityRules(
  capabilities: readonly string[],
  path: FieldPath,
  problems: Problems,
): Generator<Problem> {
  const seen = new Set<string>();
  for (const [index, capability] of capabilities.entries()) {
    if (seen.has(capability)) {
      yield problems.duplicate([...path, index], capability);
    } else if (!(MIRROR_CAPABILITIES as readonly string[]).includes(capability)) {
      yield problems.notSupported(path, capability, MIRROR_CAPABILITIES);
    }
    seen.add(capability);
  }
}

/** Refuses hosts that no client can connect to, and names that cannot be those of a Secret. */
function* ownRules(
  { upstream, hosts }: MirrorDocument,
  path: FieldPath,
  problems: Problems,
): Generator<Problem> {
  if (isUnusableHost(upstream)) yield problems.invalid([...path, 'upstream'], upstream, UNUSABLE_HOST);
  for (const [index, { host, caBundleSecretReferenceName }] of hosts.entries()) {
    const entry = [...path, 'hosts', index];
    if (isUnusableMirror(host)) yield problems.invalid([...entry, 'host'], host, UNUSABLE_HOST);
    const caBundle = [...entry, 'caBundleSecretReferenceName'];
    yield* secretNameRules(caBundleSecretReferenceName, caBundle, problems);
  }
}
