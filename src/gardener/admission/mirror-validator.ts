import { cachedAndMirroredProblems } from '../../api/rules/cached-and-mirrored.ts';
import { mirrorConfigProblems } from '../../api/mirror-config/rules.ts';
import { MIRROR_API_VERSION, MIRROR_KIND, mirrorConfigSchema } from '../../api/mirror-config/schema.ts';
import type { AdmissionHandler } from '../../kube/webhook/admission.ts';
import { secretTargets } from '../shoots/shoot-resources.ts';
import { CACHE_EXTENSION, REGISTRY_CONFIG, type AdmissionDeps } from './cache-validator.ts';
import { Denial } from '../webhook/denial.ts';
import { entryProblems, findExtension, readProviderConfig } from './provider-config.ts';
import { mirrorReferences, referenceProblems } from './secret-references.ts';
import { shootHandler, type RequestedShoot } from './shoot-handler.ts';

const MIRROR_EXTENSION = 'registry-mirror';
const MIRROR_CONFIG = {
  apiVersion: MIRROR_API_VERSION,
  kind: MIRROR_KIND,
  schema: mirrorConfigSchema,
};

/**
 * The validator of Shoots with mirrors, path `/webhooks/registry-config`. It checks in the order of the Gardener extension, and as there without a
 * look at the old Shoot.
 */
export function mirrorValidator({ readSecret }: AdmissionDeps): AdmissionHandler {
  return shootHandler(async (shoot, _old, signal) => {
    const entry = findExtension(shoot, MIRROR_EXTENSION);
    if (entry === undefined) return [];
    const unfit = entryProblems(entry);
    if (unfit.length > 0) return unfit;
    const config = readProviderConfig(MIRROR_CONFIG, entry);
    const prefix = entry.problems.at([]);
    const found = [
      ...mirrorConfigProblems(config, prefix, () => false, 'Shoot'),
      ...(await referenceProblems(
        mirrorReferences(config),
        entry,
        secretTargets(shoot.spec.resources),
        readSecret,
        signal,
      )),
    ];
    const cached = cachedUpstreams(shoot);
    if (cached !== undefined) found.push(...cachedAndMirroredProblems(config.mirrors, cached, prefix));
    return found;
  });
}

/** The upstreams that the Shoot caches; undefined if it has no caches. */
function cachedUpstreams(shoot: RequestedShoot): string[] | undefined {
  const entry = findExtension(shoot, CACHE_EXTENSION);
  if (entry === undefined) return undefined;
  if (entry.providerConfig === undefined) {
    throw new Denial('providerConfig is not available for registry-cache extension');
  }
  return readProviderConfig(REGISTRY_CONFIG, entry).caches.map(({ upstream }) => upstream);
}
