import { LarderError } from '../../src/kit/errors.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { KubeClient } from '../../src/kube/types.ts';
import type { ExtensionWorld, Replica } from './extension-world.ts';
import { createItemActuator } from './item-actuator.ts';

/** Event at one call of the replica that leads. */
export type Trouble =
  /** The server refuses. */
  | 'refused'
  /** The call has its effect, and its answer is lost. */
  | 'lost'
  /** The process ends before the call, or after it: another replica leads at once. */
  | 'crash-before'
  | 'crash-after'
  /** SIGTERM: what is under way may end, then another replica leads. */
  | 'restart';

export const TROUBLES: readonly Trouble[] = ['refused', 'lost', 'crash-before', 'crash-after', 'restart'];

/** Two replicas of which one leads, and a new one for each that ends. */
export interface TroubledReplicas {
  /** Calls of all replicas so far. */
  readonly calls: number;
  /** True while no replica leads. */
  readonly isLeaderless: boolean;
}

const VERBS = ['get', 'list', 'create', 'patch', 'mergePatch', 'delete'] as const;
/** Statuses of a server that is overloaded, restarts, has seen a newer object, or lost its rights for a moment. */
const STATUSES = [500, 503, 409, 403, undefined];

/** Starts both. `troubles` has what happens at the call of that number. */
export function startTroubledReplicas(
  world: ExtensionWorld,
  troubles: ReadonlyMap<number, Trouble>,
): TroubledReplicas {
  let calls = 0;
  let isLeaderless = false;
  let standby = start();
  let leader = standby;

  function start(): Replica {
    let isDead = false;
    let self: Replica | undefined;

    function die(): void {
      isDead = true;
      const dead = self;
      dead?.lose();
      void dead?.stop();
      takeOver();
    }

    async function trip<T>(call: () => Promise<T>): Promise<T> {
      const gone = new LarderError('LEADERSHIP_LOST', 'this process has ended');
      if (isDead) throw gone;
      calls += 1;
      const trouble = troubles.get(calls);
      if (trouble === 'refused') throw failure(calls);
      if (trouble === 'restart' && self === leader && !isLeaderless) {
        isLeaderless = true;
        void self?.stop().then(takeOver);
      }
      if (trouble === 'crash-before') die();
      if (isDead) throw gone;
      const answer = await call();
      if (trouble === 'crash-after') die();
      if (trouble === 'lost') throw failure(4);
      // A dead process does nothing with an answer.
      if (isDead) throw gone;
      return answer;
    }

    const wrap = (client: KubeClient): KubeClient => {
      const troubled = { ...client };
      for (const verb of VERBS) {
        const call = client[verb] as (...parameters: unknown[]) => Promise<unknown>;
        Object.assign(troubled, { [verb]: (...parameters: unknown[]) => trip(() => call(...parameters)) });
      }
      return troubled;
    };
    self = world.start({ actuator: createItemActuator, wrap });
    return self;
  }

  function takeOver(): void {
    isLeaderless = false;
    leader = standby;
    standby = start();
    leader.lead();
  }

  takeOver();
  return {
    get calls() {
      return calls;
    },
    get isLeaderless() {
      return isLeaderless;
    },
  };
}

function failure(seed: number): KubeError {
  const httpStatus = STATUSES[seed % STATUSES.length];
  return new KubeError('trouble', {
    httpStatus,
    reason: httpStatus === undefined ? 'Unreachable' : 'Trouble',
  });
}
