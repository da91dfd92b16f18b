/** Plays recorded cases at any place: a seed and a shoot in this process, or real API servers. */
import type { Extension } from '../../src/gardener/extensions/resources.ts';
import { createNameMask, type NameMask } from './masked-names.ts';
import type { CaseInput, RecordedStep } from './recorded-cases.ts';
import { playOsc, type OscPlace, type OscStep } from './play-osc.ts';
import { metadataOf, type AnyObject } from './recorded-snapshot.ts';
import { operationsSince, settledAs, tidied, type OperationsSince } from './settled-step.ts';

/** Place at which a case is played, with the controllers and everything that they meet. */
export interface CasePlace {
  find(name: string): Extension | undefined;
  /** Calls `handler` for each change of an Extension until the returned function is called; also with one that was deleted. */
  onChange(name: string, handler: (extension: Extension | undefined) => void): () => void;
  /** Does what a step says. `mask` knows the names behind placeholders. */
  change(action: string, value: unknown, mask: NameMask): Promise<void>;
  /** The webhooks for nodes, and how their answers are described. */
  osc(mask: NameMask): Promise<OscPlace>;
  /** Waits until nothing happens any more, after a change of which recordings have no outcome. */
  settle(): Promise<void>;
  /** Waits until a step has settled. */
  settled(step: SettlingStep): Promise<void>;
  snapshot(mask: NameMask): Promise<Record<string, object>>;
}

export interface SettlingStep {
  readonly action: string;
  /** State in which the recorded step settled. */
  readonly wanted: string;
  /** State in which the step has settled by now. */
  readonly outcome: () => string;
}

/** Action of a step, and its result. */
export type PlayedStep = { readonly action: string } & Readonly<Record<string, unknown>>;

/** Plays the steps of a case, and returns what the recordings have of each; nothing for steps that have no outcome. */
export async function playCase(
  place: CasePlace,
  { steps }: Pick<CaseInput, 'steps'>,
  recorded: readonly RecordedStep[],
): Promise<PlayedStep[]> {
  const mask = createNameMask();
  const played: PlayedStep[] = [];
  let before: Record<string, object> = {};
  /** Since the last outcome. */
  let since: OperationsSince | undefined;

  for (const step of steps as readonly Readonly<Record<string, unknown>>[]) {
    const [action = '', value] = Object.entries(step).find(([key]) => !NOTES.includes(key)) ?? [];
    if (action === 'osc') {
      played.push({ action, ...(await playOsc(await place.osc(mask), value as OscStep)) });
      continue;
    }
    const name = extensionOf(action, value);
    if (name === undefined) {
      await place.change(action, value, mask);
      await place.settle();
      continue;
    }
    if (action !== 'wait') {
      since?.end();
      since = undefined;
    }
    const operations = since ?? operationsSince(place, name, action);
    const start = place.find(name)?.status?.lastOperation;
    await place.change(action, value, mask);
    const outcome = (): string => settledAs(place.find(name), operations, action);
    const wanted = recorded[played.length]?.settled ?? '';
    await place.settled({ action, wanted, outcome });
    operations.end();
    const settled = outcome();
    const isLast = action === 'wait' || 'quiet' in step;
    const objects = await place.snapshot(mask);
    const extension = settled === 'error' ? operations.latestError() : place.find(name);
    played.push({
      action,
      settled,
      transitions: tidied(operations.transitions, { settled, action, isLast, start }),
      extension: described(extension, mask),
      objects: changesOf(before, objects),
    });
    before = objects;
    since = operationsSince(place, name, action);
  }
  since?.end();
  return played;
}

const NOTES = ['note', 'budget', 'quiet'];

/** Name of the Extension that an action is about. */
function extensionOf(action: string, value: unknown): string | undefined {
  if (['reconcile', 'delete'].includes(action)) return value as string;
  if (!['apply', 'annotate', 'patch-extension', 'wait'].includes(action)) return undefined;
  const { type, name = type } = value as { readonly type: string; readonly name?: string };
  return name;
}

function described(extension: Extension | undefined, mask: NameMask): object | null {
  if (extension === undefined) return null;
  const status = JSON.parse(
    JSON.stringify(extension.status ?? {}, (key, value: unknown) =>
      key === 'lastUpdateTime' ? 'TIME' : value,
    ),
  ) as object;
  return mask.apply({ metadata: metadataOf(extension as unknown as AnyObject), status }) as object;
}

function changesOf(before: Record<string, object>, after: Record<string, object>): object {
  const isNew = (key: string): boolean => !(key in before);
  const isOther = (key: string): boolean => JSON.stringify(before[key]) !== JSON.stringify(after[key]);
  const pick = (keep: (key: string) => boolean): object =>
    Object.fromEntries(Object.entries(after).filter(([key]) => keep(key)));
  return {
    created: pick(isNew),
    updated: pick((key) => !isNew(key) && isOther(key)),
    deleted: Object.keys(before)
      .filter((key) => !(key in after))
      .toSorted(),
  };
}
