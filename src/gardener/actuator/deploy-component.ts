import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../kit/clock.ts';
import { isAlreadyExists } from '../../kube/kube-error.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SECRETS, type Secret } from '../../operator/cluster/resources.ts';
import type { Component } from '../managed-resources/component.ts';
import { MANAGED_RESOURCES, type ManagedResource } from '../managed-resources/managed-resource.ts';
import { REFERENCE_PREFIX } from '../managed-resources/references.ts';
import { COLLECTABLE, type UniqueSecret } from '../managed-resources/unique-secret.ts';
import { mergeObject } from './merge-object.ts';
import { untilGone } from './wait-for-resource.ts';
import { within } from './within.ts';

export interface DeployDeps {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'patch' | 'mergePatch' | 'delete'>;
  readonly clock: Clock;
}

/**
 * Brings the Secret of a component and its ManagedResource to the seed, and writes nothing if both are there. Labels and annotations of others
 * on the ManagedResource stay; its spec is ours as a whole, also fields that are not known here. A ManagedResource that is being deleted is
 * waited for, since what it becomes now would decide about the objects in the shoot. Throws in the words of the Go library.
 */
export async function deployComponent(
  deps: DeployDeps,
  { secret, managedResource }: Component,
  signal: AbortSignal,
): Promise<void> {
  const { client } = deps;
  const words = 'failed to create or update managed resource';
  const existing = await within(words, async () => {
    const found = await find(client, MANAGED_RESOURCES, managedResource.metadata, signal);
    if (found?.metadata.deletionTimestamp === undefined) return found;
    await untilGone(deps, found.metadata, signal);
    return undefined;
  });
  await within('failed to create or update secret of managed resources', () =>
    deploySecret(client, secret, signal),
  );
  await within(words, async () => {
    await within('marking old secrets as garbage collectable', () =>
      markOld(client, existing, secret, signal),
    );
    await mergeObject(
      client,
      { resource: MANAGED_RESOURCES, object: managedResource },
      { fields: ['spec'], isStale: (annotation) => annotation.startsWith(REFERENCE_PREFIX) },
      signal,
    );
  });
}

async function deploySecret(
  client: DeployDeps['client'],
  secret: UniqueSecret,
  signal: AbortSignal,
): Promise<void> {
  const { metadata } = secret;
  const found = (await find(client, SECRETS, metadata, signal)) as Partial<UniqueSecret> | undefined;
  if (found === undefined) return createSecret(client, secret, signal);
  const { uid, labels, annotations } = found.metadata ?? {};
  if (!isDeepStrictEqual(found.data, secret.data) || found.type !== secret.type) {
    // The name stands for the content, so this one was made by hand.
    await client.delete(SECRETS, metadata, { signal, ...(uid !== undefined && { uid }) });
    return createSecret(client, secret, signal);
  }
  const isRight = isDeepStrictEqual({ ...labels }, metadata.labels) && annotations === undefined;
  if (isRight && found.immutable === true) return;
  await client.patch(
    SECRETS,
    metadata,
    [
      { op: 'test', path: '/metadata/uid', value: uid },
      { op: 'add', path: '/metadata/labels', value: metadata.labels },
      { op: 'add', path: '/metadata/annotations', value: {} },
      { op: 'add', path: '/immutable', value: true },
    ],
    { signal },
  );
}

/** Another replica or an earlier call may have created it. */
async function createSecret(
  client: DeployDeps['client'],
  secret: UniqueSecret,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.create(SECRETS, secret, { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** Lets the garbage collector have the Secrets that the ManagedResource leads to so far. Those of old versions have no label for it. */
async function markOld(
  client: DeployDeps['client'],
  existing: ManagedResource | undefined,
  secret: UniqueSecret,
  signal: AbortSignal,
): Promise<void> {
  for (const { name } of existing?.spec.secretRefs ?? []) {
    if (name === secret.metadata.name) continue;
    const place = { namespace: secret.metadata.namespace, name };
    const old = await find(client, SECRETS, place, signal);
    if (old === undefined || isCollectable(old)) continue;
    await client.mergePatch(SECRETS, place, { metadata: { labels: COLLECTABLE } }, { signal });
  }
}

function isCollectable({ metadata }: Secret): boolean {
  return Object.entries(COLLECTABLE).every(([key, value]) => metadata.labels?.[key] === value);
}
