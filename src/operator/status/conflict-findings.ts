import type { Conflict } from '../configs/claims.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import type { Finding } from './findings.ts';

/** What is said of the upstreams that others own. `asked` is how many the object asks for. */
export function conflictFindings(
  object: ConfigObject,
  conflicts: readonly Conflict[],
  asked: number,
): Finding[] {
  const findings: Finding[] = conflicts.map(({ upstream, holder, about }) => ({
    reason: holder.startsWith(`${object.kind} `) ? 'UpstreamTaken' : 'CachedAndMirrored',
    message:
      about === upstream
        ? `${upstream} belongs to ${holder}, which is older`
        : `${upstream} cannot be had: its objects would be called ${about}, as those of ${holder}, which is older`,
  }));
  if (asked > 0 && conflicts.length === asked)
    findings.push({ reason: 'NothingOwned', message: 'other objects own all of its upstreams' });
  return findings;
}
