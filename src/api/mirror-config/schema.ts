import { z } from 'zod';
import { boolean, entryMap, listOf, maybe, strictMap, string, text } from '../document/schema-fields.ts';

export const MIRROR_API_VERSION = 'mirror.extensions.gardener.cloud/v1alpha1';
export const MIRROR_KIND = 'MirrorConfig';

/** What a mirror may be asked for: content by digest, and what a tag points to. */
export const MIRROR_CAPABILITIES = ['pull', 'resolve'] as const;

const host = entryMap({
  host: text().meta({
    description: 'URL of the mirror, `http` or `https`. It may have a path.',
  }),
  capabilities: maybe(z.array(text(), 'a list').prefault(['pull'])).meta({
    description:
      '`pull`: content is fetched from this mirror. `resolve`: tags are looked up there as well, so it has to be as trusted as the ' +
      'upstream itself. An empty list means `pull`.',
  }),
  caBundleSecretReferenceName: maybe(string().optional()).meta({
    description:
      "Secret whose `bundle.crt` holds the CA certificates that the mirror's certificate is checked against: in a cluster of the " +
      "object's namespace, in a Shoot an entry of `spec.resources`. The default is the node's CAs.",
  }),
  overridePath: maybe(boolean().optional()).meta({
    description:
      "Whether the path of `host` is the whole path of the API, without a `/v2` added. containerd's own default is off.",
  }),
}).meta({ description: 'A mirror of the upstream.' });

const mirror = entryMap({
  upstream: text().meta({
    description: 'Registry host, with port if it is not the default one, as image references name it.',
  }),
  hosts: listOf(host).meta({
    description: 'The mirrors, at least one, in the order in which they are tried.',
  }),
}).meta({ description: 'The mirrors of one upstream registry.' });

/**
 * The one schema of a `MirrorConfig`, as `registryConfigSchema` is of a `RegistryConfig`. Capabilities are texts here and judged by
 * `mirror-config-rules.ts`, because the Gardener extension names all wrong ones and tells repeated ones as well.
 */
export const mirrorConfigSchema = strictMap({
  apiVersion: maybe(string().optional()).meta({
    description: 'Always `mirror.extensions.gardener.cloud/v1alpha1`.',
  }),
  kind: maybe(string().optional()).meta({ description: 'Always `MirrorConfig`; may be left out.' }),
  mirrors: listOf(mirror).meta({ description: 'One entry for each upstream registry, at least one.' }),
}).meta({ description: 'From which other places nodes pull what upstream registries have.' });

/** The fields of a document without its type. */
export const mirrorConfigContent = mirrorConfigSchema.omit({ apiVersion: true, kind: true });

/** A document with its defaults, before any rule was applied. */
export type MirrorConfigDocument = z.output<typeof mirrorConfigSchema>;
export type MirrorDocument = MirrorConfigDocument['mirrors'][number];
export type MirrorHostDocument = MirrorDocument['hosts'][number];
export type MirrorCapability = (typeof MIRROR_CAPABILITIES)[number];
