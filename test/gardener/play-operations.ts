import { OPERATION } from '../../src/gardener/extensions/extension-facts.ts';
import type { Extension, LastOperation } from '../../src/gardener/extensions/resources.ts';
import type { ExtensionWorld } from './extension-world.ts';
import { IN_EXTENSIONS, type Gardenlet } from './gardenlet.ts';
import type { RecordedActuator } from './recorded-actuator.ts';
import type { Action, Outcome, RecordedOperations } from './recorded-operations.ts';

/** Plays the steps of a recorded case, and returns the outcome of each step; undefined for one that changes only other objects. */
export async function playOperations(
  world: ExtensionWorld,
  actuator: RecordedActuator,
  { name, namespaceLabels = {}, cluster = true, steps }: RecordedOperations,
): Promise<(Outcome | undefined)[]> {
  const { clock, gardenlet } = world;
  // Errors name the namespace.
  const namespace = `shoot--p--${name.split('/')[1]}`;
  gardenlet.createShoot(namespace, { labels: namespaceLabels, cluster });
  const outcomes: (Outcome | undefined)[] = [];
  for (const { do: action, settled, transitions = [], extension = null } of steps) {
    clock.advance(1000);
    const type = typeOf(action);
    const watch = watchTransitions(world, namespace, type);
    if (settled !== undefined) actuator.expect({ settled, transitions, extension });
    act(gardenlet, namespace, action);
    if (action.wait === undefined) await world.until(() => actuator.isWaiting || world.isIdle(), 'idle');
    else await world.until(() => outcome().settled === settled, String(settled));

    function outcome(): Outcome {
      const found = type === undefined ? undefined : gardenlet.find(namespace, type);
      return outcomeOf(found, action.wait === undefined ? watch.transitions : watch.transitions.slice(-1));
    }
    watch.end();
    outcomes.push(type === undefined ? undefined : outcome());
  }
  return outcomes;
}

function act(gardenlet: Gardenlet, namespace: string, action: Action): void {
  const { apply, reconcile, annotate, 'patch-extension': change, 'patch-shoot': shoot } = action;
  if (apply !== undefined) gardenlet.apply(namespace, apply);
  if (reconcile !== undefined) gardenlet.annotate(namespace, reconcile, 'reconcile');
  if (annotate !== undefined) gardenlet.annotate(namespace, annotate.type, annotate.operation);
  if (change !== undefined) gardenlet.patchExtension(namespace, change.type, change.patch);
  if (shoot !== undefined) gardenlet.patchShoot(namespace, shoot);
  if (action.delete !== undefined) gardenlet.delete(namespace, action.delete);
  if (action['remove-extension'] !== undefined) gardenlet.remove(namespace, action['remove-extension']);
  if (action['delete-cluster'] !== undefined) gardenlet.deleteCluster(namespace);
}

/** Name of the Extension that an action is about, if it is about one. */
function typeOf({ apply, reconcile, annotate, wait, ...action }: Action): string | undefined {
  if (apply !== undefined) return apply.name ?? apply.type;
  return reconcile ?? annotate?.type ?? action['patch-extension']?.type ?? action.delete ?? wait?.type;
}

/** Collects the distinct last operations from now on, but for the one that the object has now. */
function watchTransitions({ api, gardenlet }: ExtensionWorld, namespace: string, name: string | undefined) {
  const old = name === undefined ? undefined : gardenlet.find(namespace, name)?.status?.lastOperation;
  const transitions: string[] = [];
  const end = api.store.onChange(({ collection, object, isDeletion }) => {
    if (collection !== IN_EXTENSIONS || object.metadata.name !== name || isDeletion) return;
    const last = (object as unknown as Extension).status?.lastOperation;
    if (last === undefined || (transitions.length === 0 && JSON.stringify(last) === JSON.stringify(old)))
      return;
    if (!transitions.includes(textOf(last))) transitions.push(textOf(last));
  });
  return { transitions, end };
}

function textOf({ type, state, progress, description }: LastOperation): string {
  return `${type}/${state}/${progress} ${description}`;
}

function outcomeOf(extension: Extension | undefined, transitions: readonly string[]): Outcome {
  if (extension === undefined) return { settled: 'gone', transitions, extension: null };
  const { name, annotations, finalizers, deletionTimestamp } = extension.metadata;
  const metadata = { name, annotations, finalizers, deletionTimestamp };
  const masked = JSON.stringify({ metadata, status: extension.status ?? {} }, (key, value: unknown) =>
    TIMES.includes(key) && value !== undefined ? 'TIME' : value,
  );
  return {
    settled: settled(extension, transitions),
    transitions,
    extension: JSON.parse(masked) as NonNullable<Outcome['extension']>,
  };
}

const TIMES = ['gardener.cloud/timestamp', 'deletionTimestamp', 'lastUpdateTime'];

function settled({ metadata, status }: Extension, transitions: readonly string[]): Outcome['settled'] {
  const state = transitions.length === 0 ? undefined : status?.lastOperation?.state;
  if (state === 'Processing') return 'timeout';
  if (state === 'Error') return 'error';
  return state === 'Succeeded' && metadata.annotations?.[OPERATION] === undefined ? 'succeeded' : 'quiet';
}
