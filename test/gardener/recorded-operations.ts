import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { MergePatch } from '../../src/kube/types.ts';
import type { Applied } from './gardenlet.ts';

/** Effect of one step, as a watch and a look afterwards showed it. */
export interface Outcome {
  /** `quiet`: nothing has happened. `timeout`: the operation was still going on. */
  readonly settled: 'succeeded' | 'error' | 'quiet' | 'gone' | 'timeout';
  /** Distinct last operations in order: `type/state/progress description`. */
  readonly transitions: readonly string[];
  /** Metadata and status, times masked. */
  readonly extension: { readonly metadata: object; readonly status: RecordedStatus } | null;
}

interface RecordedStatus {
  readonly providerStatus?: object;
}

/** A step with exactly one action. */
export interface Action {
  readonly apply?: Applied;
  /** Type of the Extension. */
  readonly reconcile?: string;
  readonly annotate?: { readonly type: string; readonly operation: string };
  readonly 'patch-extension'?: { readonly type: string; readonly patch: MergePatch };
  readonly delete?: string;
  /** Removes the object of this name at once. */
  readonly 'remove-extension'?: string;
  readonly 'patch-shoot'?: MergePatch;
  readonly 'delete-cluster'?: null;
  readonly wait?: { readonly type: string };
}

/** A step of a case. One that changes only other objects has no outcome. */
export type RecordedStep = { readonly do: Action } & Partial<Outcome>;

export interface RecordedOperations {
  readonly name: string;
  /** False if there is no Cluster. */
  readonly cluster?: boolean;
  readonly namespaceLabels?: MergePatch;
  readonly steps: readonly RecordedStep[];
}

export function recordedOperations(): RecordedOperations[] {
  const file = new URL('cases/operations.yaml', import.meta.url);
  return parse(readFileSync(file, 'utf8')) as RecordedOperations[];
}
