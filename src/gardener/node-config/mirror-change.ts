import {
  MIRROR_CAPABILITIES,
  type MirrorDocument,
  type MirrorHostDocument,
} from '../../api/mirror-config/schema.ts';
import { defaultRemoteUrl } from '../../api/rules/upstream-names.ts';
import { mirrorCaPath } from './mirror-ca-path.ts';
import type { NodeChange, NodeFile, NodeHost, NodeRegistry } from './node-change.ts';

/**
 * Leads the nodes of a shoot to its mirrors. `bundles` are the certificates to trust by the reference to their Secret, in base64; every reference must be
 * there. Nothing is checked: admission has seen the mirrors.
 */
export function mirrorChange(
  mirrors: readonly MirrorDocument[],
  bundles: ReadonlyMap<string, string>,
): NodeChange {
  return {
    files: mirrors.flatMap(({ upstream, hosts }) => hosts.flatMap((host) => fileOf(upstream, host, bundles))),
    registries: mirrors.map(registryOf),
  };
}

function registryOf({ upstream, hosts }: MirrorDocument): NodeRegistry {
  return {
    upstream,
    server: defaultRemoteUrl(upstream),
    ...(hosts.length > 0 && { hosts: hosts.map((host) => hostOf(upstream, host)) }),
  };
}

function hostOf(upstream: string, host: MirrorHostDocument): NodeHost {
  const { capabilities, caBundleSecretReferenceName: reference, overridePath } = host;
  const wanted = capabilities.length > 0 ? capabilities : ['pull'];
  const known = wanted.filter((one) => MIRROR_CAPABILITIES.some((capability) => capability === one));
  return {
    url: host.host,
    ...(known.length > 0 && { capabilities: known }),
    ...(reference !== undefined && { caCerts: [mirrorCaPath(upstream, host.host)] }),
    ...(overridePath !== undefined && { overridePath }),
  };
}

function fileOf(
  upstream: string,
  { host, caBundleSecretReferenceName: reference }: MirrorHostDocument,
  bundles: ReadonlyMap<string, string>,
): NodeFile[] {
  if (reference === undefined) return [];
  return [{ path: mirrorCaPath(upstream, host), content: bundles.get(reference) ?? '' }];
}
