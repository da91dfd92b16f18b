import { CACHES_COMPONENT } from '../caches/caches-component.ts';
import { SERVICES_COMPONENT } from '../caches/services-component.ts';
import { deleteCertificates, type CertificatesDeps } from './cache-certificates.ts';
import { removeMonitoring } from './deploy-monitoring.ts';
import { removeComponent } from './remove-component.ts';
import { untilGone } from './wait-for-resource.ts';
import { within } from './within.ts';

/** `from this seed only`: what runs in the shoot stays, and so do the certificates, which gardenlet carries over to another seed. */
export type Removal = 'all' | 'all without waiting' | 'from this seed only';

/** Removes what a reconcile has made, the Services first. Each ManagedResource is waited for up to two minutes. */
export async function removeCaches(
  deps: CertificatesDeps,
  namespace: string,
  removal: Removal,
  signal: AbortSignal,
): Promise<void> {
  const { client } = deps;
  const keepsObjects = removal === 'from this seed only';

  async function remove(name: string): Promise<void> {
    await removeComponent(client, { namespace, name }, { keepsObjects }, signal);
    if (name === CACHES_COMPONENT) await removeMonitoring(client, namespace, signal);
    if (removal !== 'all without waiting') await untilGone(deps, { namespace, name }, signal);
  }

  await within('failed to destroy the registry cache services component', () => remove(SERVICES_COMPONENT));
  await within('failed to destroy the registry caches component', () => remove(CACHES_COMPONENT));
  if (removal !== 'from this seed only') await deleteCertificates(deps, namespace, signal);
}
