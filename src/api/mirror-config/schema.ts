import { z } from 'zod';
import { boolean, entryMap, listOf, maybe, strictMap, string, text } from '../document/schema-fields.ts';

export const MIRROR_API_VERSION = 'mirror.extensions.gardener.cloud/v1alpha1';
export const MIRROR_KIND = 'MirrorConfig';

/** The requests that a mirror may get: content by digest, and the digest of a tag. */
export const MIRROR_CAPABILITIES = ['pull', 'resolve'] as const;

const host = entryMap({
  host: text().meta({
    description: 'URL of the mirror, `http` or `https`. It may have a path.',
  }),
  capabilities: maybe(z.array(text(), 'a list').prefault(['pull'])).meta({
    description:
      '`pull`: nodes fetch content from the mirror. `resolve`: nodes also look up tags there, so the mirror must be as trusted as the ' +
      'upstream. An empty list means `pull`.',
  }),
  caBundleSecretReferenceName: maybe(string().optional()).meta({
    description:
      "Secret with the CA certificates for the mirror in `bundle.crt`. In a cluster a Secret in the object's namespace, in a Shoot an " +
      "entry of `spec.resources`. Default: the node's CAs.",
  }),
  overridePath: maybe(boolean().optional()).meta({
    description:
      'The path of `host` is the whole path of the API, so containerd adds no `/v2`. Default: that of containerd, `false`.',
  }),
}).meta({ description: 'Mirror of the upstream.' });

const mirror = entryMap({
  upstream: text().meta({
    description: 'Registry host as in image references, with the port if it is not the default one.',
  }),
  hosts: listOf(host).meta({
    description: 'Mirrors in the order in which nodes try them. At least one.',
  }),
}).meta({ description: 'Mirrors of one upstream registry.' });

/**
 * The one schema of a `MirrorConfig`, like `registryConfigSchema`. Capabilities are texts, which `rules.ts` checks, because the
 * Gardener extension reports every wrong capability and repeated ones as well.
 */
export const mirrorConfigSchema = strictMap({
  apiVersion: maybe(string().optional()).meta({
    description: 'Always `mirror.extensions.gardener.cloud/v1alpha1`.',
  }),
  kind: maybe(string().optional()).meta({ description: 'Always `MirrorConfig`. May be left out.' }),
  mirrors: listOf(mirror).meta({ description: 'Upstream registries with their mirrors. At least one.' }),
}).meta({ description: 'Which upstream registries have mirrors.' });

/** The fields of a document without its type. */
export const mirrorConfigContent = mirrorConfigSchema.omit({ apiVersion: true, kind: true });

/** A document with its defaults, before any rule was applied. */
export type MirrorConfigDocument = z.output<typeof mirrorConfigSchema>;
export type MirrorDocument = MirrorConfigDocument['mirrors'][number];
export type MirrorHostDocument = MirrorDocument['hosts'][number];
export type MirrorCapability = (typeof MIRROR_CAPABILITIES)[number];
