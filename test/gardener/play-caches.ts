import { OPERATION } from '../../src/gardener/extensions/extension-facts.ts';
import type { Extension } from '../../src/gardener/extensions/resources.ts';
import type { MergePatch } from '../../src/kube/types.ts';
import type { SentObject } from '../kube/api-store.ts';
import type { CachesWorld, TestSecret } from './caches-world.ts';
import { IN_EXTENSIONS, type Applied } from './gardenlet.ts';
import { createNameMask, type NameMask } from './masked-names.ts';
import { playOsc, type OscStep } from './play-osc.ts';
import type { CaseInput, RecordedStep } from './recorded-cases.ts';
import {
  authoritiesIn,
  describedBundle,
  metadataOf,
  recordedSnapshot,
  type AnyObject,
} from './recorded-snapshot.ts';
import type { ManagerMode } from './resource-manager.ts';

interface Observed {
  readonly action: string;
  readonly [field: string]: unknown;
}

/** Plays the steps of a case, and returns what the recordings have of each; nothing for steps that have no outcome. */
export async function playCaches(
  lab: CachesWorld,
  { steps, namespaceLabels = {} }: Pick<CaseInput, 'steps' | 'namespaceLabels'>,
  recorded: readonly RecordedStep[],
): Promise<Observed[]> {
  const { world, namespace } = lab;
  const mask = createNameMask();
  const observed: Observed[] = [];
  let before: Record<string, object> = {};
  /** Since the last outcome. */
  let since: ReturnType<typeof watchTransitions> | undefined;

  for (const step of steps as readonly Readonly<Record<string, unknown>>[]) {
    const [action = '', value] =
      Object.entries(step).find(([key]) => !['note', 'budget', 'quiet'].includes(key)) ?? [];
    world.clock.advance(1000);
    if (action === 'osc') {
      observed.push({ action, ...(await playOsc(oscPlace(lab, namespaceLabels, mask), value as OscStep)) });
      continue;
    }
    const name = extensionOf(action, value);
    if (name === undefined) {
      change(lab, action, value, mask);
      await lab.settle();
      continue;
    }
    if (action !== 'wait') {
      since?.end();
      since = undefined;
    }
    const watch = since ?? watchTransitions(lab, name);
    const find = (): Extension | undefined => world.gardenlet.find(namespace, name);
    const start = find()?.status?.lastOperation;
    change(lab, action, value, mask);
    const wanted = recorded[observed.length]?.settled ?? '';
    const reached = (): boolean => settledAs(find(), watch.transitions, action) === wanted;
    if (wanted === 'timeout') await lab.settle(() => lab.isWaiting());
    else if (action === 'wait' && wanted !== 'quiet') await lab.settle(reached);
    else await lab.settle();
    watch.end();
    const settled = settledAs(find(), watch.transitions, action);
    const objects = recordedSnapshot({ ...lab, seed: world.api, mask });
    observed.push({
      action,
      settled,
      transitions: tidied(watch.transitions, {
        settled,
        action,
        isLast: action === 'wait' || 'quiet' in step,
        start,
      }),
      extension: described(find(), mask),
      objects: changesOf(before, objects),
    });
    before = objects;
    since = watchTransitions(lab, name);
  }
  since?.end();
  return observed;
}

function oscPlace(
  { world, namespace, own, ask }: CachesWorld,
  namespaceLabels: Readonly<Record<string, string | null>>,
  mask: NameMask,
): Parameters<typeof playOsc>[0] {
  const all = world.api.store.list('v1/secrets', namespace) as unknown as AnyObject[];
  const authorities = authoritiesIn(
    all.filter(({ metadata }) => !own.has(metadata.name)),
    mask,
  );
  return {
    ask,
    namespace,
    namespaceLabels,
    described: (pem) => ({ certificates: describedBundle(pem, authorities) }),
    masked: (value) => mask.apply(value),
  };
}

/** Name of the Extension that an action is about. */
function extensionOf(action: string, value: unknown): string | undefined {
  if (['reconcile', 'delete'].includes(action)) return value as string;
  if (!['apply', 'annotate', 'patch-extension', 'wait'].includes(action)) return undefined;
  const { type, name = type } = value as { readonly type: string; readonly name?: string };
  return name;
}

function change(lab: CachesWorld, action: string, value: unknown, mask: NameMask): void {
  const { world, namespace, manager, shoot } = lab;
  const { gardenlet, api } = world;
  const fields = value as Readonly<Record<string, string>>;
  switch (action) {
    case 'apply':
      return gardenlet.apply(namespace, value as Applied);
    case 'reconcile':
      return gardenlet.annotate(namespace, value as string, 'reconcile');
    case 'annotate':
      return gardenlet.annotate(namespace, fields['type'] ?? '', fields['operation'] ?? '');
    case 'patch-extension':
      return gardenlet.patchExtension(
        namespace,
        fields['type'] ?? '',
        fields['patch'] as unknown as MergePatch,
      );
    case 'create-extension':
      return gardenlet.apply(namespace, { ...(value as Applied), operation: null });
    case 'set-status':
      return gardenlet.patchExtension(namespace, fields['type'] ?? '', {
        status: fields['status'],
      });
    case 'delete':
      return gardenlet.delete(namespace, value as string);
    case 'patch-shoot':
      return gardenlet.patchShoot(namespace, value as MergePatch);
    case 'delete-cluster':
      return gardenlet.deleteCluster(namespace);
    case 'put-secret':
      return lab.putSecret(fields['name'] ?? '', value as TestSecret);
    case 'delete-secret':
      return api.remove('v1/secrets', value as string, namespace);
    case 'delete-object':
      if (fields['resource'] === 'extensions') return gardenlet.remove(namespace, fields['name'] ?? '');
      api.remove(COLLECTIONS[fields['resource'] ?? ''] ?? '', mask.real(fields['name'] ?? ''), namespace);
      return manager.look();
    case 'grm':
      return manager.set(value as ManagerMode);
    case 'shoot-service': {
      if (fields['delete'] !== undefined) return shoot.remove('v1/services', fields['delete'], 'kube-system');
      const { metadata, spec = {} } = value as { readonly metadata: object; readonly spec?: object };
      const service = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { ...metadata, namespace: 'kube-system' },
        spec: {
          type: 'ClusterIP',
          ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
          clusterIP: '100.64.9.101',
          ipFamilies: ['IPv4'],
          ...spec,
        },
      };
      return void shoot.put('v1/services', service as unknown as SentObject);
    }
    default:
  }
}

const COLLECTIONS: Readonly<Record<string, string>> = {
  secrets: 'v1/secrets',
  managedresources: 'resources.gardener.cloud/v1alpha1/managedresources',
  configmaps: 'v1/configmaps',
};

/** Collects the distinct last operations from now on, but for the one that the object has now. */
function watchTransitions({ world, namespace }: CachesWorld, name: string) {
  const old = world.gardenlet.find(namespace, name)?.status?.lastOperation;
  const transitions: string[] = [];
  const end = world.api.store.onChange(({ collection, object, isDeletion }) => {
    if (collection !== IN_EXTENSIONS || object.metadata.name !== name || isDeletion) return;
    const last = (object as unknown as Extension).status?.lastOperation;
    if (last === undefined) return;
    if (transitions.length === 0 && JSON.stringify(last) === JSON.stringify(old)) return;
    const text = `${last.type}/${last.state}/${last.progress} ${last.description}`;
    if (!transitions.includes(text)) transitions.push(text);
  });
  return { transitions, end };
}

function settledAs(extension: Extension | undefined, transitions: readonly string[], action: string): string {
  if (extension === undefined) return action === 'wait' && transitions.length === 0 ? 'quiet' : 'gone';
  const { metadata, status } = extension;
  const state = transitions.length === 0 ? undefined : status?.lastOperation?.state;
  if (state === 'Processing') return 'timeout';
  if (state === 'Error') return 'error';
  return state === 'Succeeded' && metadata.annotations?.[OPERATION] === undefined ? 'succeeded' : 'quiet';
}

interface TidyOptions {
  readonly settled: string;
  readonly action: string;
  readonly isLast: boolean;
  readonly start: { readonly state: string } | undefined;
}

/** Leaves out what depends on the time of the recording, as the recorder does. */
function tidied(all: readonly string[], { settled, action, isLast, start }: TidyOptions): readonly string[] {
  const own = action === 'delete' ? all.filter((one) => one.startsWith('Delete/')) : all;
  const was = start?.state;
  const isRetry = settled === 'succeeded' && (was === 'Error' || was === 'Processing');
  const rest = isRetry ? own.filter((one) => !one.includes('/Error/')) : own;
  if (!isLast) return rest;
  const succeeded = rest.filter((one) => one.includes('/Succeeded/')).slice(-1);
  return succeeded.length > 0 ? succeeded : rest.slice(-1);
}

function described(extension: Extension | undefined, mask: NameMask): object | null {
  if (extension === undefined) return null;
  const status = JSON.parse(
    JSON.stringify(extension.status ?? {}, (key, value: unknown) =>
      key === 'lastUpdateTime' ? 'TIME' : value,
    ),
  ) as object;
  return mask.apply({ metadata: metadataOf(extension as unknown as AnyObject), status }) as object;
}

function changesOf(before: Record<string, object>, after: Record<string, object>): object {
  const isNew = (key: string): boolean => !(key in before);
  const isOther = (key: string): boolean => JSON.stringify(before[key]) !== JSON.stringify(after[key]);
  const pick = (keep: (key: string) => boolean): object =>
    Object.fromEntries(Object.entries(after).filter(([key]) => keep(key)));
  return {
    created: pick(isNew),
    updated: pick((key) => !isNew(key) && isOther(key)),
    deleted: Object.keys(before)
      .filter((key) => !(key in after))
      .toSorted(),
  };
}
