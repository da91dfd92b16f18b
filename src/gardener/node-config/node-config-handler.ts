import { isLarderError } from '../../kit/errors.ts';
import type { AdmissionHandler, AdmissionRequest } from '../../kube/webhook/admission.ts';
import type { KubeClient } from '../../kube/types.ts';
import { serverText, withWords } from '../server-text.ts';
import { clusterFacts, type ClusterFacts } from '../shoots/cluster-facts.ts';
import type { Cluster } from '../shoots/cluster.ts';
import { checkKubeletVersion } from '../shoots/kubelet-version.ts';
import { Denial } from '../webhook/denial.ts';
import { checkContents } from './content-checks.ts';
import { withChange } from './node-change.ts';
import type { NodeHook } from './node-hook.ts';
import { readOsConfig, RECONCILE, type OsConfig } from './os-config.ts';
import { createShootReads } from './shoot-reads.ts';

/**
 * Makes the webhook of a hook, with the order, the statuses and the texts of the Go extension. Everything is read from the API server for each request.
 * `spec.files` and `spec.criConfig` are all that is changed.
 */
export function nodeConfigHandler(
  { client }: { readonly client: Pick<KubeClient, 'get'> },
  hook: NodeHook,
): AdmissionHandler {
  async function changed(request: AdmissionRequest, signal: AbortSignal): Promise<unknown> {
    const { next, old } = readRequest(request);
    const { metadata, spec } = next;
    if (metadata.deletionTimestamp !== '' || spec.purpose !== RECONCILE) return request.object;
    const reads = createShootReads(client, metadata.namespace || (request.namespace ?? ''), signal);
    const facts = readFacts(await reads.cluster(), next);
    checkContents(next, old);
    const change = await hook({ facts, reads });
    return change === undefined ? request.object : withChange(request.object, change);
  }

  return async (request, signal) => {
    try {
      return { allowed: true, changed: await changed(request, signal) };
    } catch (error) {
      if (error instanceof Denial) return { allowed: false, code: error.code, message: error.message };
      signal.throwIfAborted();
      if (!isLarderError(error)) throw error;
      return { allowed: false, code: 403, message: serverText(error) };
    }
  };
}

const KIND = 'extensions.gardener.cloud/v1alpha1 OperatingSystemConfig';

/** The newest and the old configuration. The presence of the old one counts, not the operation. */
function readRequest({ kind, namespace, name, object, oldObject }: AdmissionRequest) {
  if (`${kind.group}/${kind.version} ${kind.kind}` !== KIND)
    throw new Denial(`unexpected request kind ${kind.group}/${kind.version}, Kind=${kind.kind}`, 400);
  // The Go extension prints the whole request in braces.
  const what = `{OperatingSystemConfig ${namespace}/${name}}`;
  return {
    next: readOsConfig(object, `could not decode request ${what}`),
    old: oldObject === undefined ? undefined : readOsConfig(oldObject, `could not decode old object ${what}`),
  };
}

const POOL = 'worker.gardener.cloud/pool';

function readFacts(cluster: Cluster, { metadata }: OsConfig): ClusterFacts {
  const facts = factsIn(cluster);
  checkKubeletVersion(cluster, metadata.labels[POOL]);
  return facts;
}

function factsIn(cluster: Cluster): ClusterFacts {
  try {
    return clusterFacts(cluster);
  } catch (error) {
    throw withWords(`could not get cluster for namespace '${cluster.metadata.name}'`, error);
  }
}
