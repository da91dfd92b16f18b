import type { RegistryConfigDocument } from '../../api/registry-config/schema.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import type { Problem, Problems } from '../../kit/document/field-problem.ts';
import { hasKubernetes } from '../shoots/has-kubernetes.ts';
import type { Shoot } from './shoot.ts';

/** The CRDs need the rules in CEL that Kubernetes has by default since 1.29 (decision 0010). */
const OLDEST_MINOR = 29;

/** Checks that the API server of the shoot can have `RegistryConfig` objects, if they are to configure its caches. */
export function replicationProblems(
  { registryConfigReplication }: RegistryConfigDocument,
  { spec }: Shoot,
  problems: Problems,
): Problem[] {
  const { version } = spec.kubernetes;
  if (!registryConfigReplication.enabled || hasKubernetes(version, OLDEST_MINOR)) return [];
  const detail =
    `RegistryConfig objects in the shoot need Kubernetes 1.${OLDEST_MINOR} or newer, but spec.kubernetes.version is ` +
    `${goQuote(version)}; update Kubernetes first, or set this to false`;
  return [problems.forbidden(['registryConfigReplication', 'enabled'], detail)];
}
