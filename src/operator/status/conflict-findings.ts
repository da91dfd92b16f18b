import { alsoConfiguredMessage } from '../../api/rules/rule-messages.ts';
import type { Conflict } from '../configs/upstream-claims.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import type { Finding } from './findings.ts';

/** What is said of the upstreams that others own. `asked` is how many the object asks for. */
export function conflictFindings(
  object: ConfigObject,
  conflicts: readonly Conflict[],
  asked: number,
): Finding[] {
  const findings = conflicts.map((conflict) => findingOf(object, conflict));
  if (asked > 0 && conflicts.length === asked)
    findings.push({ reason: 'NothingOwned', message: 'other objects own all of its upstreams' });
  return findings;
}

function findingOf({ kind }: ConfigObject, { upstream, owner, about }: Conflict): Finding {
  if (!owner.startsWith(`${kind} `)) {
    const message = alsoConfiguredMessage(upstream, kind === 'MirrorConfig' ? 'cache' : 'mirror');
    return { reason: 'CachedAndMirrored', message: `${message} by ${owner}, which is older` };
  }
  const message =
    about === upstream
      ? `${upstream} belongs to ${owner}, which is older`
      : `${upstream} cannot be had: its objects would be called ${about}, as those of ${owner}, which is older`;
  return { reason: 'UpstreamTaken', message };
}
