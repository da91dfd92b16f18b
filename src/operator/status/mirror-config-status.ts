import type { MirrorConfigStatus, MirrorStatus } from '../../api/status/mirror-config-status.ts';
import type { Conflict } from '../configs/upstream-claims.ts';
import type { ParsedSpec } from '../configs/read-config.ts';
import type { MirrorConfigObject } from '../cluster/resources.ts';
import { conflictFindings } from './conflict-findings.ts';
import { conditionsOf, type Finding } from './findings.ts';
import { firstUseFindings } from './first-use.ts';
import { nodeView, type NodesInput } from './node-view.ts';
import { nodesText } from './numbers.ts';
import { findingsOfObject, observationOf } from './object-findings.ts';

export interface MirrorConfigInput {
  readonly object: MirrorConfigObject;
  readonly spec: ParsedSpec;
  readonly conflicts: readonly Conflict[];
  /** Why its upstreams, or their last change, cannot be published to nodes, a sentence each. */
  readonly nodeProblems: readonly string[];
  readonly nodes: NodesInput;
  /** Defects of the CA bundles that it names, a sentence each. */
  readonly caBundleProblems: readonly string[];
  /** Upstreams that still have an entry in the node document; undefined unless the object is being deleted. */
  readonly removing: readonly string[] | undefined;
  readonly now: number;
}

/** Computes the whole status of a `MirrorConfig` from what is known now. */
export function mirrorConfigStatus(input: MirrorConfigInput): MirrorConfigStatus {
  const { object, spec, conflicts, removing, now } = input;
  const before = object.status ?? {};
  const upstreams = spec.kind === 'mirrors' ? spec.mirrors.map(({ upstream }) => upstream) : (removing ?? []);
  const lost = new Set(conflicts.map(({ upstream }) => upstream));
  const entries = upstreams.map((upstream) => entryOf(upstream, lost.has(upstream), input));
  const findings: Finding[] = [
    ...findingsOfObject(spec, removing, input.nodeProblems),
    ...conflictFindings(object, conflicts, spec.kind === 'mirrors' ? spec.mirrors.length : 0),
    ...input.caBundleProblems.map((message): Finding => ({ reason: 'CABundleInvalid', message })),
    ...(removing === undefined ? entries.flatMap((entry) => entry.findings) : []),
  ];
  const kept =
    spec.kind === 'invalid' && removing === undefined
      ? (before.mirrors ?? [])
      : entries.map(({ status }) => status);
  const observation = observationOf(object, now);
  return {
    ...(observation.generation !== undefined && { observedGeneration: observation.generation }),
    conditions: conditionsOf(findings, before.conditions ?? [], observation),
    mirrors: [...kept],
    summary: { nodes: nodesText(kept.flatMap(({ nodes }) => nodes ?? [])) },
  };
}

function entryOf(
  upstream: string,
  isLost: boolean,
  { object, nodes, removing }: MirrorConfigInput,
): { readonly status: MirrorStatus; readonly findings: readonly Finding[] } {
  if (removing !== undefined) return { status: { upstream, state: 'Removing' }, findings: [] };
  if (isLost) return { status: { upstream, state: 'Unused' }, findings: [] };
  const { configured, total, findings } = nodeView(nodes, upstream, 'mirror');
  const state = configured === total ? 'Configured' : 'Pending';
  const { conditions = [], mirrors = [] } = object.status ?? {};
  const entry = mirrors.find((one) => one.upstream === upstream);
  const counts = { configured, total };
  return {
    status: { upstream, state, nodes: counts },
    findings: [...firstUseFindings(upstream, counts, { conditions, entry }), ...findings],
  };
}
