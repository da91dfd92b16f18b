/** Judges how a step of a case has settled, with the rules of the recorder of the Go extension. */
import { OPERATION } from '../../src/gardener/extensions/extension-facts.ts';
import type { Extension, LastOperation } from '../../src/gardener/extensions/resources.ts';

/** Last operations of an Extension from some moment on. */
export interface OperationsSince {
  /** Distinct ones in the order of their appearance. */
  readonly transitions: readonly string[];
  /** The Extension as it was at the latest error. */
  readonly latestError: () => Extension | undefined;
  end(): void;
}

interface Observable {
  find(name: string): Extension | undefined;
  onChange(name: string, handler: (extension: Extension | undefined) => void): () => void;
}

/** Collects the last operations from now on, but for the one that the object has now, and the end of an attempt that was under way. */
export function operationsSince(place: Observable, name: string, action: string): OperationsSince {
  const old = place.find(name)?.status?.lastOperation;
  const transitions: string[] = [];
  let latestError: Extension | undefined;
  const end = place.onChange(name, (extension) => {
    const last = extension?.status?.lastOperation;
    if (last === undefined || (action === 'delete' && last.type !== 'Delete')) return;
    const isFirst = transitions.length === 0;
    if (isFirst && (isSame(last, old) || isEndOf(old, last))) return;
    if (last.state === 'Error') latestError = extension;
    const text = `${last.type}/${last.state}/${last.progress} ${last.description}`;
    if (!transitions.includes(text)) transitions.push(text);
  });
  return { transitions, latestError: () => latestError, end };
}

function isSame(one: LastOperation, other: LastOperation | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** True if `last` can be the failure of an attempt that had begun before. */
function isEndOf(old: LastOperation | undefined, last: LastOperation): boolean {
  return last.state === 'Error' && last.type !== 'Delete' && isFailing(old?.state);
}

function isFailing(state: string | undefined): boolean {
  return state === 'Error' || state === 'Processing';
}

/** Names the outcome that an Extension shows now. */
export function settledAs(
  extension: Extension | undefined,
  { transitions, latestError }: OperationsSince,
  action: string,
): string {
  if (extension === undefined) return action === 'wait' && transitions.length === 0 ? 'quiet' : 'gone';
  const { metadata, status } = extension;
  const state = transitions.length === 0 ? undefined : status?.lastOperation?.state;
  if (state === 'Error' || (state === 'Processing' && latestError() !== undefined)) return 'error';
  if (state === 'Processing') return 'timeout';
  return state === 'Succeeded' && metadata.annotations?.[OPERATION] === undefined ? 'succeeded' : 'quiet';
}

interface TidyOptions {
  readonly settled: string;
  readonly action: string;
  /** True if only the last operation counts. */
  readonly isLast: boolean;
  readonly start: { readonly state: string } | undefined;
}

/** Leaves out what depends on the time of the recording. */
export function tidied(
  all: readonly string[],
  { settled, action, isLast, start }: TidyOptions,
): readonly string[] {
  const own = action === 'delete' ? all.filter((one) => one.startsWith('Delete/')) : all;
  const isRetry = settled === 'succeeded' && isFailing(start?.state);
  const rest = isRetry ? own.filter((one) => !one.includes('/Error/')) : own;
  if (!isLast) return rest;
  const succeeded = rest.filter((one) => one.includes('/Succeeded/')).slice(-1);
  return succeeded.length > 0 ? succeeded : rest.slice(-1);
}
