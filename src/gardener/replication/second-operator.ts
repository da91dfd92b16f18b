import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient } from '../../kube/types.ts';
import { DEPLOYMENTS } from '../../operator/cluster/resources.ts';
import { hasMarks } from '../../operator/cluster/marks.ts';
import { CodedError } from '../extensions/error-codes.ts';
import { DEPLOYED_BY } from './shoot-place.ts';

/** Labels of the Deployment in the operator's chart, whatever the names of its release and its namespace. */
const OPERATORS = 'app.kubernetes.io/name=larder,app.kubernetes.io/component=operator';

/**
 * Throws `CONFIG_INVALID` with the code for a configuration problem if the shoot has an operator that no extension has deployed. Two would make every cache
 * twice, and overwrite each other's status.
 */
export async function assertNoSecondOperator(
  shoot: Pick<KubeClient, 'list'>,
  signal: AbortSignal,
): Promise<void> {
  const { items } = await shoot.list(metadataOf(DEPLOYMENTS), { labelSelector: OPERATORS }, { signal });
  const found = items.find(({ metadata }) => !hasMarks(metadata.labels, DEPLOYED_BY));
  if (found === undefined) return;
  const { namespace = '', name } = found.metadata;
  const message =
    `the shoot has an operator of Larder of its own, Deployment ${namespace}/${name}: ` +
    'expected none with registryConfigReplication.enabled; uninstall it, or set that to false';
  throw new CodedError('CONFIG_INVALID', message, { gardenerCodes: ['ERR_CONFIGURATION_PROBLEM'] });
}
