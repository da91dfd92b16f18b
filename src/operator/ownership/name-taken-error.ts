import { LarderError } from '../../kit/errors.ts';
import type { KubeObject } from '../../kube/types.ts';
import { upstreamOf } from './existing-objects.ts';

/** Its going is no change of the cache that waits for the name. */
export const NAME_TAKEN_RETRY_MS = 1_000;

/** The name that a cache's Service should have is still that of another cache, which nodes may use. */
export class NameTakenError extends LarderError {
  constructor(service: KubeObject) {
    const { namespace, name } = service.metadata;
    super(
      'KUBE_API',
      `Service ${namespace}/${name} is still that of the cache of ${upstreamOf(service)}, which is being removed or renamed`,
    );
  }
}
