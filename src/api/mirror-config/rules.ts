import { problemsAt, type FieldPath, type Problem, type Problems } from '../../kit/document/field-problem.ts';
import {
  hostPortErrors,
  isUnusableHost,
  maskUserInfo,
  mirrorUrlErrors,
  UNUSABLE_HOST,
} from '../rules/host-and-url.ts';
import { MIRROR_CAPABILITIES, type MirrorConfigDocument, type MirrorHostDocument } from './schema.ts';
import { secretNameRules } from '../rules/secret-name-rules.ts';
import { RULE_MESSAGES } from '../rules/rule-messages.ts';

/**
 * Checks a document in the words and order of the Gardener extension. Larder's own rules for an entry follow those of the
 * extension. A field that `isBroken` causes no problem.
 */
export function mirrorConfigProblems(
  document: MirrorConfigDocument,
  prefix: string,
  isBroken: (path: string) => boolean,
): Problem[] {
  return [...rules(document, problemsAt(prefix))].filter((problem) => !isBroken(problem.path));
}

function* rules({ mirrors }: MirrorConfigDocument, problems: Problems): Generator<Problem> {
  if (mirrors.length === 0) yield problems.required(['mirrors'], RULE_MESSAGES.oneMirror);
  const upstreams = new Set<string>();
  for (const [index, { upstream, hosts }] of mirrors.entries()) {
    const path = ['mirrors', index];
    for (const error of hostPortErrors(upstream)) {
      yield problems.invalid([...path, 'upstream'], maskUserInfo(upstream), error);
    }
    yield* hostRules(hosts, [...path, 'hosts'], problems);
    if (upstreams.has(upstream)) yield problems.duplicate([...path, 'upstream'], maskUserInfo(upstream));
    upstreams.add(upstream);
    if (isUnusableHost(upstream)) yield problems.invalid([...path, 'upstream'], upstream, UNUSABLE_HOST);
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
    const caBundle = [...path, index, 'caBundleSecretReferenceName'];
    yield* secretNameRules(host.caBundleSecretReferenceName, caBundle, problems);
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
