import { deepFreeze } from '../../kit/json.ts';
import {
  MIRROR_CAPABILITIES,
  type MirrorCapability,
  type MirrorConfigDocument,
  type MirrorHostDocument,
} from './schema.ts';

/** The configuration that programs work with: complete, valid, frozen, and free of secrets. */
export interface MirrorConfig {
  readonly mirrors: readonly UpstreamMirrors[];
}

/** One upstream and where else its content is. The fields are documented in `docs/reference/mirror-configuration.md`. */
export interface UpstreamMirrors {
  /** `host` or `host:port`; unique. */
  readonly upstream: string;
  /** In the order in which they are tried; each URL once. */
  readonly hosts: readonly MirrorHost[];
}

export interface MirrorHost {
  /** As written: a valid URL, perhaps with a path. */
  readonly host: string;
  /** At least one, each once. */
  readonly capabilities: readonly MirrorCapability[];
  readonly caBundleSecretReferenceName: string | undefined;
  /** Undefined: containerd decides. */
  readonly overridePath: boolean | undefined;
}

/** Turns a document that no rule objects to into the effective configuration. */
export function effectiveMirrorConfig(document: MirrorConfigDocument): MirrorConfig {
  return deepFreeze({
    mirrors: document.mirrors.map(({ upstream, hosts }) => ({ upstream, hosts: hosts.map(effectiveHost) })),
  });
}

function effectiveHost(host: MirrorHostDocument): MirrorHost {
  const capabilities = host.capabilities.filter(isMirrorCapability);
  return {
    host: host.host,
    capabilities: capabilities.length > 0 ? capabilities : ['pull'],
    caBundleSecretReferenceName: host.caBundleSecretReferenceName,
    overridePath: host.overridePath,
  };
}

function isMirrorCapability(text: string): text is MirrorCapability {
  return (MIRROR_CAPABILITIES as readonly string[]).includes(text);
}
