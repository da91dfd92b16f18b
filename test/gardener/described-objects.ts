import { hash } from 'node:crypto';
import { brotliDecompressSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import type { Component } from '../../src/gardener/managed-resources/component.ts';
import type { MonitoringObject } from '../../src/gardener/monitoring/monitoring-objects.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { shortHash } from './masked-names.ts';

type Described = Record<string, unknown>;
type Manifest = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/** Objects by the keys that the recordings give them. */
export type DescribedObjects = Record<string, Described>;

/** Reads the manifests of a component with the YAML 1.1 of gardener-resource-manager. */
export function manifestsIn({ secret }: Component): Manifest[] {
  const text = brotliDecompressSync(Buffer.from(secret.data['data.yaml.br'] ?? '', 'base64')).toString();
  return parseAllDocuments(text, { version: '1.1' }).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as Manifest;
  });
}

/** Describes a component as the recordings do: the two objects of the seed, and those in the manifests. */
export function describedComponent(component: Component): DescribedObjects {
  const { secret, managedResource } = component;
  const { name } = managedResource.metadata;
  const manifests = manifestsIn(component).map((manifest) => [
    `${name}:${manifest.kind}/${manifest.metadata.name}`,
    manifest.kind === 'Secret' ? describedSecret(manifest) : { ...manifest },
  ]);
  return {
    [`Secret/${secret.metadata.name}`]: {
      metadata: describedMetadata(secret),
      type: secret.type,
      immutable: secret.immutable,
      data: Object.fromEntries(
        Object.keys(secret.data).map((key) => [key, 'objects, see the ManagedResource']),
      ),
      nameHashMatchesContent: hasHashedName(secret),
    },
    [`ManagedResource/${name}`]: {
      metadata: describedMetadata(managedResource),
      spec: managedResource.spec,
      generation: 1,
    },
    ...(Object.fromEntries(manifests) as DescribedObjects),
  };
}

/** Describes an object of monitoring. Its text is an implementation's own. */
export function describedMonitoring({ object }: MonitoringObject): DescribedObjects {
  const { kind, metadata, data, spec } = object as Manifest & { readonly spec?: object };
  const masked = Object.keys(data ?? {}).map((key) => [key, 'BLOB(0)']);
  const content = spec === undefined ? { data: Object.fromEntries(masked) as unknown } : { spec: 'BLOB(0)' };
  return { [`${kind}/${metadata.name}`]: { metadata: describedMetadata(object), ...content } };
}

function describedSecret(secret: Manifest): Described {
  const entries = Object.entries(secret.data ?? {}).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString(),
  ]);
  return {
    ...secret,
    data: Object.fromEntries(entries) as unknown,
    nameHashMatchesContent: hasHashedName(secret),
  };
}

function describedMetadata({ metadata: { name, labels, annotations } }: KubeObject): Described {
  return { name, labels, annotations };
}

function hasHashedName({ metadata, data = {} }: Manifest): boolean {
  const values = Object.keys(data)
    .toSorted()
    .map((key) => hash('sha256', Buffer.from(data[key] ?? '', 'base64')));
  return metadata.name.endsWith(`-${shortHash(values.join(''))}`);
}
