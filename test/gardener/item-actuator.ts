import type { Actuator, ActuatorContext } from '../../src/gardener/extensions/actuator.ts';
import { isAlreadyExists } from '../../src/kube/kube-error.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import type { KubeClient } from '../../src/kube/types.ts';

/** `providerConfig` of the Extensions here. */
export interface ItemsConfig {
  readonly items: readonly string[];
}

/** Exists while this seed is responsible for the items. */
const MARK = 'mark';

/**
 * A small actuator with the steps of the real one: it makes an object for each item, publishes their names, and removes what is not wanted
 * any more only afterwards. A migration leaves the items to another seed.
 */
export function createItemActuator(client: KubeClient): Actuator {
  async function ensure(name: string, { namespace, signal }: ActuatorContext): Promise<void> {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name } };
    await client.create(CONFIG_MAPS, object, { signal }).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  }

  async function keep(names: readonly string[], { namespace, signal }: ActuatorContext): Promise<void> {
    const { items } = await client.list(CONFIG_MAPS, { namespace }, { signal });
    for (const { metadata } of items)
      if (!names.includes(metadata.name)) await client.delete(CONFIG_MAPS, metadata, { signal });
  }

  async function reconcile(context: ActuatorContext): Promise<void> {
    await context.cluster();
    const { providerConfig } = context.extension.spec ?? {};
    const { items } = providerConfig as ItemsConfig;
    await ensure(MARK, context);
    for (const item of items) await ensure(item, context);
    await context.publish({ items });
    await keep([MARK, ...items], context);
  }

  return {
    reconcile,
    restore: reconcile,
    delete: (context) => keep([], context),
    forceDelete: (context) => keep([], context),
    migrate: ({ namespace, signal }) => client.delete(CONFIG_MAPS, { namespace, name: MARK }, { signal }),
  };
}
