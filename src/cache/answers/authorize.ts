import { untilAborted } from '../../kit/abort.ts';
import { isLarderError } from '../../kit/errors.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { Target } from '../access/target.ts';
import type { Patience } from '../pull/stale-fallback.ts';
import { excusesStaleness } from '../../upstream/refusal.ts';

/**
 * Lets a caller without a living proof have what is here: by `ask`, a question to the upstream in their name, or, while the upstream
 * cannot be asked, by an older proof where one counts. Gives what the answer says of that; throws the upstream's refusal or failure.
 */
export type Admission = (
  caller: { readonly signal: AbortSignal },
  target: Target,
  ask: () => Promise<unknown>,
) => Promise<CacheStatus>;

export function createAdmission(patience: Patience): Admission {
  return async function admit(caller, { upstream, repository, requester }, ask) {
    const place = `${requester.key} ${upstream.name}/${repository}`;
    const mayUseDuringOutage = requester.mayUseDuringOutage();
    try {
      await untilAborted(mayUseDuringOutage ? patience(place, ask) : ask(), caller.signal);
      return { kind: 'proven', status: 200 };
    } catch (error) {
      if (!mayUseDuringOutage || !isLarderError(error) || !excusesStaleness(error)) throw error;
      requester.decision = 'outage';
      return { kind: 'hit', detail: error.code };
    }
  };
}
