import { alsoConfiguredMessage } from '../../api/rules/rule-messages.ts';
import { OUTSIDE, type Conflict } from '../configs/upstream-claims.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import type { Finding } from './findings.ts';

/** Findings about upstreams that other objects own. `wanted` is the number of upstreams that the object names. */
export function conflictFindings(
  object: ConfigObject,
  conflicts: readonly Conflict[],
  wanted: number,
): Finding[] {
  const findings = conflicts.map((conflict) => findingOf(object, conflict));
  if (wanted > 0 && conflicts.length === wanted)
    findings.push({ reason: 'NothingOwned', message: 'others own all of its upstreams' });
  return findings;
}

function findingOf({ kind }: ConfigObject, { upstream, owner, about }: Conflict): Finding {
  if (owner === OUTSIDE) {
    const message = `${upstream} is configured in ${OUTSIDE}, which goes before all objects; remove it here, or have it removed there`;
    return { reason: 'UpstreamTaken', message };
  }
  if (!owner.startsWith(`${kind} `)) {
    const message = alsoConfiguredMessage(upstream, kind === 'MirrorConfig' ? 'cache' : 'mirror');
    return { reason: 'CachedAndMirrored', message: `${message} by ${owner}, which is older` };
  }
  const message =
    about === upstream
      ? `${upstream} belongs to ${owner}, which is older`
      : `${upstream} cannot be cached: its objects need the name ${about}, which belongs to ${owner}, which is older`;
  return { reason: 'UpstreamTaken', message };
}
