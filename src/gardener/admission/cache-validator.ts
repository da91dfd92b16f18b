import { API_VERSION, KIND, registryConfigSchema } from '../../api/registry-config/schema.ts';
import { registryConfigProblems } from '../../api/registry-config/rules.ts';
import type { AdmissionHandler } from '../../kube/webhook/admission.ts';
import { secretTargets } from '../shoots/shoot-resources.ts';
import { isSameConfig } from './config-equality.ts';
import { Denial } from '../webhook/denial.ts';
import { nameClashProblems } from './name-clash-rules.ts';
import { entryProblems, findExtension, readProviderConfig } from './provider-config.ts';
import { replicationProblems } from './replication-rules.ts';
import { cacheReferences, referenceProblems, type SecretReader } from './secret-references.ts';
import { shootHandler, type RequestedShoot } from './shoot-handler.ts';
import { updateProblems } from './cache-update-rules.ts';

export interface AdmissionDeps {
  readonly readSecret: SecretReader;
}

export const CACHE_EXTENSION = 'registry-cache';
export const REGISTRY_CONFIG = { apiVersion: API_VERSION, kind: KIND, schema: registryConfigSchema };

/**
 * The validator of Shoots with caches, path `/webhooks/registry-cache`. It checks in the order of the Gardener extension. A configuration that
 * has not changed is accepted without a request for a Secret, unless a reference leads to another Secret now.
 */
export function cacheValidator({ readSecret }: AdmissionDeps): AdmissionHandler {
  return shootHandler(async (shoot, oldShoot, signal) => {
    const entry = findExtension(shoot, CACHE_EXTENSION);
    if (entry === undefined) return [];
    const unfit = entryProblems(entry);
    if (unfit.length > 0) return unfit;
    const config = readProviderConfig(REGISTRY_CONFIG, entry);
    const old = oldShoot && readOldConfig(oldShoot);
    const references = cacheReferences(config);
    const targets = secretTargets(shoot.spec.resources);

    if (old !== undefined && isSameConfig({ entry, config }, old)) {
      const before = secretTargets(old.entry.shoot.spec.resources);
      const moved = references.filter(({ name }) => targets.get(name) !== before.get(name));
      return await referenceProblems(moved, entry, targets, readSecret, signal);
    }
    const { problems } = entry;
    return [
      ...(old === undefined ? [] : updateProblems(old.config, config, problems)),
      ...registryConfigProblems(config, problems.at([]), () => false, 'Shoot'),
      ...nameClashProblems(old?.config, config, problems),
      ...replicationProblems(config, shoot, problems),
      ...(await referenceProblems(references, entry, targets, readSecret, signal)),
    ];
  });
}

/** Undefined if the Shoot had no caches. */
function readOldConfig(shoot: RequestedShoot) {
  const entry = findExtension(shoot, CACHE_EXTENSION);
  if (entry === undefined) return undefined;
  if (entry.providerConfig === undefined) throw new Denial('providerConfig is not available on old Shoot');
  return { entry, config: readProviderConfig(REGISTRY_CONFIG, entry) };
}
