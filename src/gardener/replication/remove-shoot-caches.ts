import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient } from '../../kube/types.ts';
import { VOLUME_CLAIMS } from '../../operator/cluster/resources.ts';
import { OURS } from '../../operator/cluster/marks.ts';
import { NotOwnedError } from '../../operator/ownership/not-owned-error.ts';
import { deleteLabelled } from '../../operator/removal/delete-labelled.ts';
import { leasesOfNodes } from '../../operator/removal/leases-of-nodes.ts';
import { turnNodesAway } from '../../operator/removal/turn-nodes-away.ts';
import { RENDERED_RESOURCES } from '../../operator/render/rendered-resources.ts';
import { askShoot } from './ask-shoot.ts';
import { deleteLostPods } from './lost-pods.ts';
import { poll, type Progress } from './progress.ts';
import { LARDER_NAMESPACE as namespace } from '../caches/shoot-names.ts';

export interface ShootCachesDeps {
  readonly shoot: Pick<KubeClient, 'get' | 'list' | 'apply' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Publishes an empty node document, and waits up to 60 s for those nodes that exist and use a cache or mirror. */
export async function turnShootNodesAway(
  { shoot, clock, logger }: ShootCachesDeps,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  progress.left = 'nodes that use caches';
  const answering = (leases: ReadonlySet<string>) => leasesOfNodes(shoot, leases, signal);
  try {
    const silent = await askShoot('nodes', () =>
      turnNodesAway({ client: shoot, clock }, { namespace, answering }, signal),
    );
    if (silent.length > 0) logger.warn('nodes of a shoot have not answered', { nodes: silent.length });
  } catch (error) {
    if (!(error instanceof NotOwnedError)) throw error;
    logger.warn('the node document of a shoot has another owner, and is left alone');
  }
}

/** Deletes what the operator has made, and waits until the claims are gone: the controller of their volumes goes next when a shoot is deleted. */
export async function removeShootCaches(
  { shoot, clock, logger }: ShootCachesDeps,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  progress.left = 'objects of caches';
  let removed = 0;
  const count = (): void => void (removed += 1);
  const all = { namespace, resources: RENDERED_RESOURCES };
  await askShoot('objects of caches', () => deleteLabelled(shoot, all, count, signal));
  logger.info('objects of caches are removed from a shoot', { objects: removed });
  await poll(clock, signal, () =>
    askShoot('PersistentVolumeClaims', async () => {
      // A StatefulSet that is being deleted may have made one a moment ago.
      await deleteLabelled(shoot, { namespace, resources: [VOLUME_CLAIMS] }, () => {}, signal);
      const claims = await shoot.list(
        metadataOf(VOLUME_CLAIMS),
        { namespace, labelSelector: OURS, page: { limit: LISTED } },
        { signal },
      );
      const { length } = claims.items;
      if (length === 0) return true;
      progress.left = `${claims.continueToken === undefined ? length : `more than ${LISTED}`} PersistentVolumeClaims`;
      await deleteLostPods(shoot, signal);
      return false;
    }),
  );
}

const LISTED = 500;
