import { LarderError } from '../../kit/errors.ts';
import type { KubeObject } from '../../kube/types.ts';
import { upstreamOf } from './existing-objects.ts';

/** Retry interval. The cache that waits is not woken when the other Service goes. */
export const NAME_TAKEN_RETRY_MS = 1_000;

/** Another cache, which nodes may still use, has a Service of the name that this cache needs. */
export class NameTakenError extends LarderError {
  constructor(service: KubeObject) {
    const { namespace, name } = service.metadata;
    super(
      'KUBE_API',
      `Service ${namespace}/${name} still belongs to the cache of ${upstreamOf(service)}, which is being removed or renamed`,
    );
  }
}
