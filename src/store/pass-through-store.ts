import { LarderError } from '../kit/errors.ts';
import { createHandBack, type HandBackDeps, type HandBackOptions } from './distribution/hand-back.ts';
import type { MaintainedStore } from './maintenance/maintenance.ts';
import type { TaskGroup } from '../kit/task-group.ts';

export interface PassThroughDeps extends HandBackDeps {
  /** Owns the hand-back. */
  readonly tasks: TaskGroup;
}

export interface PassThroughOptions extends Omit<HandBackOptions, 'upstream'> {
  /** Names of the configured upstreams. */
  readonly upstreams: readonly string[];
}

/**
 * A store that stores nothing, so that every pull passes through, and that gives its directory back to a registry of the Distribution project
 * in the background. What is refused is refused with `STORE_HANDED_BACK`, as by a full store. Throws `STORE_HAND_BACK_AMBIGUOUS` unless there
 * is one upstream, which is what Distribution has, and `STORE_IN_USE`.
 */
export function openPassThroughStore(
  { tasks, ...deps }: PassThroughDeps,
  { upstreams, ...options }: PassThroughOptions,
): MaintainedStore {
  const [upstream] = upstreams;
  if (upstream === undefined || upstreams.length > 1)
    throw new LarderError(
      'STORE_HAND_BACK_AMBIGUOUS',
      `store ${options.directory} cannot be handed back to Distribution, which has one upstream: ${upstreams.length} caches are configured`,
      {
        hint: 'configure the one cache whose content Distribution is to have; that of the others is removed',
      },
    );
  const handBack = createHandBack(deps, { ...options, upstream });
  tasks.run('hand back', (signal) => handBack.run(signal));
  const documents = new Map<string, Buffer>();
  const refuse = (): Promise<never> =>
    Promise.reject(new LarderError('STORE_HANDED_BACK', 'this cache stores nothing: it is handed back'));

  return {
    info: () => undefined,
    presence: () => 'absent',
    open: () => Promise.resolve(undefined),
    read: () => Promise.resolve(undefined),
    put: refuse,
    touch: () => {},
    link: () => {},

    tag: () => undefined,
    putTag: () => {},
    tagClasses: () => [],
    dropTag: () => {},

    publicAt: () => undefined,
    setPublic: () => {},

    spool: refuse,
    partialBytes: () => 0,
    remains: () => Promise.resolve(undefined),
    discardRemains: () => Promise.resolve(),

    readDocument: (name) => Promise.resolve(documents.get(name)),
    writeDocument(name, content) {
      documents.set(name, content);
      return Promise.resolve();
    },

    setPolicies: () => {},
    stats: () => ({ bytes: 0, limitBytes: 0, objects: 0, damagedObjects: 0, perUpstream: [] }),

    maintenance: {
      damaged: () => [],
      isDamaged: () => false,
      scrubStats: () => undefined,
      handBackStats: () => handBack.stats(),
      verify: refuse,
      collectGarbage: refuse,
    },

    close() {
      handBack.close();
      return Promise.resolve();
    },
  };
}
