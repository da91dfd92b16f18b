import { setTimeout as pause } from 'node:timers/promises';
import { MANAGED_RESOURCES } from '../../src/gardener/managed-resources/managed-resource.ts';
import { PROMETHEUS_RULES, SCRAPE_CONFIGS } from '../../src/gardener/monitoring/monitoring-objects.ts';
import { EXTENSIONS } from '../../src/gardener/extensions/resources.ts';
import { isKubeError } from '../../src/kube/kube-error.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import type { KubeObject, Resource } from '../../src/kube/types.ts';
import { SECRETS, SERVICES } from '../../src/operator/cluster/resources.ts';
import { changeInLab } from './lab-changes.ts';
import { seatShoot, type LabSeat } from './lab-seat.ts';
import type { NameMask } from './masked-names.ts';
import type { CasePlace } from './play-case.ts';
import type { CaseInput } from './recorded-cases.ts';
import { describedOsc, recordedSnapshot, type AnyObject, type SnapshotKind } from './recorded-snapshot.ts';

const OS_CONFIGS: Resource = {
  ...EXTENSIONS,
  kind: 'OperatingSystemConfig',
  plural: 'operatingsystemconfigs',
};

export interface LabCase extends CasePlace, AsyncDisposable {}

const KINDS: readonly (readonly [SnapshotKind, Resource])[] = [
  ['Secret', SECRETS],
  ['ManagedResource', MANAGED_RESOURCES],
  ['ConfigMap', CONFIG_MAPS],
  ['PrometheusRule', PROMETHEUS_RULES],
  ['ScrapeConfig', SCRAPE_CONFIGS],
  ['Service', SERVICES],
];

/** Milliseconds without an event after which a step has settled as recorded. An error is tried again after a growing time. */
const QUIET_MS: Readonly<Record<string, number>> = { quiet: 2000, timeout: 2500, error: 700 };
const SHORT_QUIET_MS = 300;

/** The same if it has settled otherwise. A step whose work has not begun, or goes on, is waited for. */
const OTHERWISE_MS: Readonly<Record<string, number>> = { succeeded: 3000, gone: 3000 };

/** Cases with a weight wait for limits of 2 minutes in the program. */
const LIMIT_MS = { plain: 60_000, weighty: 180_000 };

/** Begins a case at real API servers. Disposing ends its Extensions, and empties the shoot for the next case. */
export async function beginLabCase(seat: LabSeat, namespace: string, input: CaseInput): Promise<LabCase> {
  const { seed, shoot, extensions, resources } = seat;
  const { signal } = new AbortController();
  const seated = await seatShoot(seat, namespace, input);
  const { manager, own } = seated;
  let changedAt = performance.now();
  const isOwn = (one: KubeObject | undefined): boolean => one?.metadata.namespace === namespace;
  const endOfEvents = [extensions, resources].map((store) =>
    store.onChange((before, after) => {
      if (isOwn(before) || isOwn(after)) changedAt = performance.now();
    }),
  );

  /** Waits until nothing has happened for a time. */
  async function quiet(ms: () => number, limitMs: number): Promise<void> {
    const limit = performance.now() + limitMs;
    // The comparison shows what has not happened by then.
    while (performance.now() < limit) {
      if (manager.isIdle() && performance.now() - changedAt > ms()) return;
      await pause(20);
    }
  }

  async function list([kind, resource]: (typeof KINDS)[number]) {
    const [client, place] = kind === 'Service' ? [shoot, 'kube-system'] : [seed, namespace];
    const { items } = await client.list(resource, { namespace: place }, { signal });
    return [kind, items.toSorted(byCreation) as unknown as AnyObject[]] as const;
  }

  /** Returns the object as the API server stores it, or its refusal. */
  async function createAndRemove(object: KubeObject): Promise<object> {
    try {
      const stored = await seed.create(OS_CONFIGS, object, { signal });
      await seed.delete(OS_CONFIGS, { namespace, name: stored.metadata.name }, { signal });
      return stored;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return { kind: 'Status', message: error.serverMessage };
    }
  }

  return {
    find: (name) => extensions.get({ namespace, name }),
    onChange(name, handler) {
      let isNew = true;
      const end = extensions.onChange((before, after) => {
        const one = after ?? before;
        if (!isNew && isOwn(one) && one?.metadata.name === name) handler(after);
      });
      isNew = false;
      return end;
    },
    async change(action, value, mask) {
      changedAt = performance.now();
      const version = await changeInLab(seat, seated, { action, value: withRealName(value, mask) });
      if (version !== undefined) await extensions.waitForVersion(version, signal);
    },
    async osc(mask) {
      const [, all] = await list(['Secret', SECRETS]);
      const secrets = all.filter(({ metadata }) => !own.has(metadata.name));
      const create = (object: object): Promise<object> => createAndRemove(object as KubeObject);
      return { ask: seat.ask, create, namespace, ...describedOsc(secrets, mask) };
    },
    settle: () => quiet(() => SHORT_QUIET_MS, LIMIT_MS.plain),
    settled(step) {
      const quietMs = (): number => {
        const now = step.outcome();
        return now === step.wanted ? (QUIET_MS[now] ?? SHORT_QUIET_MS) : (OTHERWISE_MS[now] ?? Infinity);
      };
      return quiet(quietMs, 'weight' in input ? LIMIT_MS.weighty : LIMIT_MS.plain);
    },
    async snapshot(mask) {
      const lists = new Map(await Promise.all(KINDS.map(list)));
      return recordedSnapshot({ list: (kind) => lists.get(kind) ?? [], mask, own });
    },
    async [Symbol.asyncDispose]() {
      for (const end of endOfEvents) end();
      await seated[Symbol.asyncDispose]();
    },
  };
}

/** Replaces the placeholder in a field `name`. */
function withRealName(value: unknown, mask: NameMask): unknown {
  if (typeof value !== 'object' || value === null || !('name' in value)) return value;
  return { ...value, name: mask.real(value.name as string) };
}

function byCreation({ metadata: one }: KubeObject, { metadata: other }: KubeObject): number {
  const seconds = String(one.creationTimestamp).localeCompare(String(other.creationTimestamp));
  return seconds === 0 ? Number(one.resourceVersion) - Number(other.resourceVersion) : seconds;
}
