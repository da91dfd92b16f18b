import { deepFreeze } from '../../kit/json.ts';
import { toEffective, type Effective } from '../document/effective.ts';
import {
  MIRROR_CAPABILITIES,
  mirrorConfigContent,
  type MirrorCapability,
  type MirrorConfigDocument,
  type MirrorHostDocument,
} from './schema.ts';

/**
 * The configuration that programs work with: complete, valid, frozen, and free of secrets. Its fields follow from the schema
 * (see {@link Effective}) and are documented in `docs/reference/mirror-configuration.md`.
 */
export type MirrorConfig = Effective<ReturnType<typeof withComputedDefaults>>;
/** One upstream and its mirrors. Each upstream has one entry, with its mirrors in the order in which they are tried, each URL once. */
export type UpstreamMirrors = MirrorConfig['mirrors'][number];
/** A mirror. `host` is as written, a valid URL, perhaps with a path. It has at least one capability, each once. */
export type MirrorHost = UpstreamMirrors['hosts'][number];

/** Turns a document without problems into the effective configuration. */
export function effectiveMirrorConfig(document: MirrorConfigDocument): MirrorConfig {
  return deepFreeze(toEffective(mirrorConfigContent, withComputedDefaults(document)));
}

function withComputedDefaults({ mirrors }: MirrorConfigDocument) {
  return { mirrors: mirrors.map((mirror) => ({ ...mirror, hosts: mirror.hosts.map(completeHost) })) };
}

/** An empty list of capabilities means `pull`. */
function completeHost(host: MirrorHostDocument) {
  const named = host.capabilities.filter(isMirrorCapability);
  const capabilities: MirrorCapability[] = named.length > 0 ? named : ['pull'];
  return { ...host, capabilities };
}

function isMirrorCapability(text: string): text is MirrorCapability {
  return (MIRROR_CAPABILITIES as readonly string[]).includes(text);
}
