import { untilAborted } from '../../kit/abort.ts';
import { isLarderError } from '../../kit/errors.ts';
import { excusesStaleness } from '../../upstream/refusal.ts';
import type { Target } from '../access/target.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { StaleFallback } from '../pull/stale-fallback.ts';

/**
 * Checks the access of a caller without a live proof to stored content. `ask` asks the upstream in the caller's name. While the
 * upstream cannot be asked, an older proof counts if the requester has one. Returns the `Cache-Status` of the answer. Throws the
 * upstream's refusal or failure.
 */
export type AccessCheck = (
  caller: { readonly signal: AbortSignal },
  target: Target,
  ask: () => Promise<unknown>,
) => Promise<CacheStatus>;

export function createAccessCheck(staleFallback: StaleFallback): AccessCheck {
  return async function authorize(caller, { upstream, repository, requester }, ask) {
    const question = `${requester.key} ${upstream.name}/${repository}`;
    const mayUseDuringOutage = requester.mayUseDuringOutage();
    try {
      await untilAborted(mayUseDuringOutage ? staleFallback(question, ask) : ask(), caller.signal);
      return { kind: 'proven', status: 200 };
    } catch (error) {
      if (!mayUseDuringOutage || !isLarderError(error) || !excusesStaleness(error)) throw error;
      requester.decision = 'outage';
      return { kind: 'hit', detail: error.code };
    }
  };
}
