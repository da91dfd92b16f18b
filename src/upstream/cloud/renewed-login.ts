import { untilAborted } from '../../kit/abort.ts';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import type { Credential } from '../credentials/credential.ts';

/** A credential from a cloud, with its end. */
export interface FetchedLogin {
  readonly credential: Credential;
  /** Milliseconds since the epoch, by the cloud's clock; undefined if the cloud gave no end. */
  readonly expiresAt: number | undefined;
}

/** Gets a login from a cloud, by the identity of the process. */
export type FetchLogin = (signal: AbortSignal) => Promise<FetchedLogin>;

/** One login that is always valid, as long as the cloud gives one. */
export interface RenewedLogin {
  /**
   * Gives the current login, and waits only where there is none. Replaces the login `refused`, which the registry has refused, unless it is
   * younger than a minute: then the answer is the same login again.
   *
   * @throws `UPSTREAM_CREDENTIAL_UNAVAILABLE` without a login, `SHUTTING_DOWN`, and the signal's reason.
   */
  get(signal: AbortSignal, refused?: Credential): Promise<Credential>;
}

export interface RenewedLoginDeps {
  readonly clock: Clock;
  /** Owns the fetching, which goes on when one of several waiting requests gives up. */
  readonly tasks: TaskGroup;
  /** Called with the time for which a new login will be used. */
  readonly onLogin: (lifeMs: number) => void;
  /** Called with the cause of a failed attempt. Returns the error for callers. */
  readonly onFailure: (cause: unknown) => LarderError;
}

/** Limit of one fetch, with the repetitions of the cloud's own client. */
const FETCH_LIMIT_MS = 15_000;
/** A login that is used after this part of its life is renewed, so that the cloud may be down for the rest. */
const RENEW_AFTER = 0.8;
/** A login is unused for this long before its end, because a request takes a while. */
const END_MARGIN_MS = 10_000;
/** Least life of a login, whatever the cloud says: bounds the number of requests to the cloud. */
const SHORTEST_LIFE_MS = 10_000;
const UNKNOWN_LIFE_MS = 600_000;
/** A younger login is not replaced: a registry refuses a repository that a login may not read as it refuses a dead login. */
const REFUSED_AGE_MS = 60_000;
/**
 * Pause after a failure, doubled with each further one. Requests in the pause fail at once, and succeed within 10 s after the
 * fault's end.
 */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 8_000;

/**
 * Fetches the first login at once, so that a missing identity shows before the first pull. From then on only use renews a login, so
 * that the login of a removed configuration ends by itself.
 */
export function createRenewedLogin(deps: RenewedLoginDeps, fetch: FetchLogin): RenewedLogin {
  const { clock, tasks } = deps;
  let held: Held | undefined;
  let failure: Failure | undefined;
  let renewing: Promise<void> | undefined;

  async function attempt(closing: AbortSignal): Promise<void> {
    const begun = clock.monotonic();
    try {
      held = heldFrom(await fetchInTime(closing), begun);
      failure = undefined;
      deps.onLogin(held.endsAt - clock.monotonic());
    } catch (cause) {
      if (closing.aborted) return;
      const error = deps.onFailure(cause);
      const pauseMs =
        failure === undefined ? FIRST_PAUSE_MS : Math.min(2 * failure.pauseMs, LONGEST_PAUSE_MS);
      failure = { error, pauseMs, until: clock.monotonic() + pauseMs };
    }
  }

  async function fetchInTime(closing: AbortSignal): Promise<FetchedLogin> {
    const limit = new AbortController();
    const late = new Error(`no answer within ${FETCH_LIMIT_MS / 1000} s`);
    const cancel = clock.after(FETCH_LIMIT_MS, () => limit.abort(late));
    const signal = AbortSignal.any([closing, limit.signal]);
    try {
      return await untilAborted(fetch(signal), signal);
    } finally {
      cancel();
    }
  }

  function heldFrom({ credential, expiresAt }: FetchedLogin, begun: number): Held {
    const lifeMs =
      expiresAt === undefined
        ? UNKNOWN_LIFE_MS
        : Math.max(SHORTEST_LIFE_MS, expiresAt - clock.now() - END_MARGIN_MS);
    return { credential, begun, renewAt: begun + RENEW_AFTER * lifeMs, endsAt: begun + lifeMs };
  }

  /** Resolves at the end of an attempt, successful or not; at once while the last failure is too recent for another attempt. */
  function renew(): Promise<void> {
    if (failure !== undefined && clock.monotonic() < failure.until) return Promise.resolve();
    if (renewing !== undefined) return renewing;
    const { promise, resolve } = Promise.withResolvers<void>();
    renewing = promise;
    tasks.run('get a cloud login', async (closing) => {
      await attempt(closing);
      renewing = undefined;
      resolve();
    });
    return promise;
  }

  void renew();
  return {
    async get(signal, refused) {
      const now = clock.monotonic();
      const isRefused = held !== undefined && held.credential.credentialId === refused?.credentialId;
      if (held === undefined || now >= held.endsAt || (isRefused && now >= held.begun + REFUSED_AGE_MS)) {
        await untilAborted(renew(), signal);
      } else if (now >= held.renewAt) {
        void renew();
      }
      if (held !== undefined && clock.monotonic() < held.endsAt) return held.credential;
      tasks.signal.throwIfAborted();
      throw failure?.error ?? new LarderError('SHUTTING_DOWN', 'Larder is stopping');
    },
  };
}

/** Times on the clock's monotonic scale. */
interface Held {
  readonly credential: Credential;
  readonly begun: number;
  readonly renewAt: number;
  readonly endsAt: number;
}

interface Failure {
  readonly error: LarderError;
  readonly pauseMs: number;
  readonly until: number;
}
