import { silentLogger } from '../../src/kit/logger.ts';
import type { Clock } from '../../src/kit/clock.ts';
import type { KubeMetrics } from '../../src/kube/metrics.ts';
import { createObjectStore, type ObjectStore } from '../../src/kube/informer/object-store.ts';
import { createReflector } from '../../src/kube/informer/reflector.ts';
import { createController } from '../../src/kube/controller/controller.ts';
import { keyOf, keyText } from '../../src/kube/controller/object-key.ts';
import { createObjectSource } from '../../src/kube/controller/key-source.ts';
import type { Reconcile } from '../../src/kube/controller/reconcile.ts';
import { isNotFound } from '../../src/kube/kube-error.ts';
import { createApplier } from '../../src/kube/objects/apply.ts';
import { createFinalizer } from '../../src/kube/objects/finalizers.ts';
import { controllerOf, controllerReference, isControlledBy } from './owners.ts';
import { createStatusWriter } from '../../src/kube/objects/status.ts';
import type { Intent, KubeClient, KubeObject, Resource } from '../../src/kube/types.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../src/kube/objects/config-maps.ts';
import { WIDGETS, type Widget } from './widgets.ts';

export interface WidgetControllerDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly metrics: KubeMetrics;
}

/** Runs until it is stopped. */
export interface WidgetController {
  stop(): Promise<void>;
}

/**
 * A small controller built like the real ones. It gives each widget of the namespace `test` a ConfigMap `widget-<name>` with its spec,
 * leaves foreign ConfigMaps of that name alone, and deletes its own before the widget is deleted.
 */
export function startWidgetController(deps: WidgetControllerDeps): WidgetController {
  const { client, clock, metrics } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  const running: Promise<void>[] = [];

  function follow<T extends KubeObject>(resource: Resource<T>): ObjectStore<T> {
    const { store, writer } = createObjectStore<T>({ logger: silentLogger }, { freeze: true });
    const reflectorDeps = { client, clock, metrics, logger: silentLogger, random: Math.random };
    const reflector = createReflector(reflectorDeps, { resource, query: { namespace: 'test' } }, writer);
    running.push(reflector.run(signal));
    return store;
  }

  const widgets = follow(WIDGETS);
  const configMaps = follow(CONFIG_MAPS);
  const controller = createController(
    { clock, metrics, logger: silentLogger },
    {
      name: 'widgets',
      workers: 2,
      sources: [
        createObjectSource(widgets, ({ metadata }) => [keyText(metadata)]),
        createObjectSource(configMaps, ownerKeys),
      ],
      reconcile: createReconcile(deps, { widgets, configMaps }),
    },
  );
  const working = controller.run(signal, { signal: new AbortController().signal, isLive: () => true });
  return {
    async stop() {
      stopping.abort(new Error('enough'));
      await Promise.all([working, ...running]);
    },
  };
}

interface Caches {
  readonly widgets: ObjectStore<Widget>;
  readonly configMaps: ObjectStore<ConfigMap>;
}

function createReconcile(
  { client, clock }: WidgetControllerDeps,
  { widgets, configMaps }: Caches,
): Reconcile {
  const finalizer = createFinalizer(client, 'test.example/widgets');
  const applier = createApplier(client, { fieldManager: 'widgets/objects', force: true });
  const status = createStatusWriter({ client, clock }, { fieldManager: 'widgets/status' });

  async function undo(widget: Widget, signal: AbortSignal): Promise<void> {
    // Read from the server: an object that the store has not seen yet would stay for ever.
    const made = await client.get(CONFIG_MAPS, intentFor(widget).metadata, { signal }).catch(unlessNotFound);
    if (made !== undefined && isControlledBy(made, widget)) {
      const { uid = '' } = made.metadata;
      await client.delete(CONFIG_MAPS, made.metadata, { signal, uid });
    }
    await finalizer.remove(WIDGETS, widget, signal);
  }

  return async (key, { signal }) => {
    const widget = widgets.get(keyOf(key));
    if (widget === undefined) return 'done';
    if (widget.metadata.deletionTimestamp !== undefined) {
      if (finalizer.isOn(widget)) await undo(widget, signal);
      return 'done';
    }
    const intent = intentFor(widget);
    const there = configMaps.get(intent.metadata);
    if (there !== undefined && !isControlledBy(there, widget))
      return { terminalError: new Error(`${there.metadata.name} is not ours`) };
    await finalizer.add(WIDGETS, widget, signal);
    await applier.ensure(CONFIG_MAPS, intent, there, signal);
    const written = await status.write(WIDGETS, widget, { phase: 'Ready' }, signal);
    return written.kind === 'later' ? { requeueAfterMs: written.afterMs } : 'done';
  };
}

function intentFor(widget: Widget): Intent<ConfigMap> {
  const { name, namespace = '' } = widget.metadata;
  const { size, colour } = widget.spec ?? {};
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      namespace,
      name: `widget-${name}`,
      ownerReferences: [controllerReference(widget, namespace)],
    },
    data: { ...(size !== undefined && { size: String(size) }), ...(colour !== undefined && { colour }) },
  };
}

/** Key of the widget that a ConfigMap is named after, even if the ConfigMap has no owner. */
function ownerKeys({ metadata }: ConfigMap): readonly string[] {
  const { namespace, name } = metadata;
  const owner = controllerOf(metadata)?.name ?? /^widget-(.+)/.exec(name)?.[1];
  return owner === undefined ? [] : [keyText({ namespace, name: owner })];
}

function unlessNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
