import { hash } from 'node:crypto';
import type { Secret } from '../../operator/cluster/resources.ts';
import { shortHash } from './references.ts';

/** Label of a Secret that the garbage collector may delete once nothing refers to it. */
export const COLLECTABLE = { 'resources.gardener.cloud/garbage-collectable-reference': 'true' } as const;

/** A Secret that never changes: other content has another name. */
export interface UniqueSecret extends Secret {
  readonly immutable: true;
  readonly data: Readonly<Record<string, string>>;
}

export interface UniqueSecretContent {
  /** Begin of the name. */
  readonly base: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Undefined: the API server's default, `Opaque`. */
  readonly type?: string;
  /** Contents in base64. */
  readonly data: Readonly<Record<string, string>>;
}

/** Builds a Secret that is named after its content (gardener v1.147.1, `pkg/utils/kubernetes`, `MakeUnique`). */
export function uniqueSecret({ base, namespace, labels, type, data }: UniqueSecretContent): UniqueSecret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: `${base}${base.endsWith('-') ? '' : '-'}${contentHash(data)}`,
      namespace,
      labels: { ...labels, ...COLLECTABLE },
    },
    ...(type !== undefined && { type }),
    immutable: true,
    data,
  };
}

/** Hash of the values in the order of their keys. Keys do not count. */
function contentHash(data: Readonly<Record<string, string>>): string {
  const values = Object.keys(data)
    .toSorted()
    .map((key) => hash('sha256', Buffer.from(data[key] ?? '', 'base64')));
  return shortHash(values.join(''));
}
