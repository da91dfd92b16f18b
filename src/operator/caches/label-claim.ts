import type { KubeClient } from '../../kube/types.ts';
import { hasMarks, hasOurLabel } from '../cluster/marks.ts';
import { VOLUME_CLAIMS, type VolumeClaim } from '../cluster/resources.ts';

/**
 * Adds `labels` to a claim that is ours and lacks one of them. The template of an existing StatefulSet cannot be changed, so a claim of an earlier
 * setting would stay without. Throws like {@link KubeClient.patch}.
 */
export async function labelClaim(
  client: Pick<KubeClient, 'patch'>,
  { metadata }: VolumeClaim,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const present = metadata.labels ?? {};
  if (!hasOurLabel(present) || hasMarks(present, labels)) return;
  await client.patch(
    VOLUME_CLAIMS,
    metadata,
    [
      { op: 'test', path: '/metadata/uid', value: metadata.uid },
      ...Object.entries(labels).map(([name, value]) => {
        // RFC 6901, section 3.
        const path = `/metadata/labels/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        return { op: 'add', path, value } as const;
      }),
    ],
    { signal },
  );
}
