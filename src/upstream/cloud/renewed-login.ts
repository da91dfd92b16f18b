import { untilAborted } from '../../kit/abort.ts';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import type { Credential } from '../credentials/credential.ts';

/** A login that a cloud handed out for a while. */
export interface FetchedLogin {
  readonly credential: Credential;
  /** Milliseconds since the epoch, by the cloud's clock; undefined when the cloud does not say. */
  readonly expiresAt: number | undefined;
}

/** Gets a login from a cloud, by the identity that the process runs with. */
export type FetchLogin = (signal: AbortSignal) => Promise<FetchedLogin>;

/** One login that is always good, as long as the cloud hands one out. */
export interface RenewedLogin {
  /**
   * The login in force, at once; a wait only where there is none. `refused` is one that the registry no longer takes: it is
   * replaced, unless it is younger than a minute, and then given once more.
   *
   * @throws `UPSTREAM_CREDENTIAL_UNAVAILABLE` when there is none, `SHUTTING_DOWN`, and the signal's reason.
   */
  get(signal: AbortSignal, refused?: Credential): Promise<Credential>;
}

export interface RenewedLoginDeps {
  readonly clock: Clock;
  /** Owns the fetching, which goes on for all when one of those who wait gives up. */
  readonly tasks: TaskGroup;
  /** Told for how long a new login is used. */
  readonly onLogin: (lifeMs: number) => void;
  /** Told why an attempt failed; gives what callers are told. */
  readonly onFailure: (cause: unknown) => LarderError;
}

/** One fetch, with the repetitions of the cloud's own client. */
const FETCH_LIMIT_MS = 15_000;
/** A login is renewed when it is used after this part of its life, so that the cloud may be down for the rest of it. */
const RENEW_AFTER = 0.8;
/** It is no longer used so shortly before its end: a request takes a while. */
const END_MARGIN_MS = 10_000;
/** Whatever the cloud says: bounds how often it is asked. */
const SHORTEST_LIFE_MS = 10_000;
const UNKNOWN_LIFE_MS = 600_000;
/** A registry refuses a repository that the login may not read as it refuses a dead login: no reason to ask a cloud each time. */
const REFUSED_AGE_MS = 60_000;
/** After a failure, doubled with each further one: requests in between fail at once, and succeed within 10 s after its end. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 8_000;

/**
 * Begins to fetch at once, so that a missing identity shows before the first pull. From then on use drives it: a login that
 * nobody uses is not renewed, and one that was configured away ends by itself.
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

  /** Resolves when an attempt has ended, however; at once while the last failure is too recent for another. */
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
