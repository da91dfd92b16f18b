/**
 * A whole operator in this process, in front of the stand-in of the API server, on a clock that the test moves. There are no pods or volumes,
 * and nodes report what the test says.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { ManualClock, type Clock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { EMPTY_DOCUMENT, parseNodeDocument, type NodeDocument } from '../../src/fleet/node-document.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { NODES_CONFIG_MAP, NODES_KEY } from '../../src/fleet/nodes-config-map.ts';
import { startOperator, type RunningOperator } from '../../src/operator/program.ts';
import { SERVICES } from '../../src/operator/cluster/resources.ts';
import { LEASES } from '../../src/kube/leader-election/lease.ts';
import type { ObjectKey, Resource } from '../../src/kube/types.ts';
import { startApi, type ApiServer } from '../kube/api-server.ts';
import type { SentObject, StoredObject } from '../kube/api-store.ts';
import { connectionTo } from '../kube/client.ts';
import { nodeReport, RELAY_URL, SYSTEM, TEAM, type Held } from './setting.ts';

/** One step of the clock. Small enough for every renewal of the lease. */
const STEP_MS = 250;
/** Turns of the event loop in one step; enough for ten requests on loopback, one after the other. */
const TURNS = 40;

export interface StandIn extends AsyncDisposable {
  readonly api: ApiServer;
  readonly clock: ManualClock;
  /** The running operator. */
  readonly operator: RunningOperator;
  get(resource: Resource, name: string, namespace?: string): Held | undefined;
  /** Creates an object, younger than the previous ones, or replaces it as `kubectl replace` does: fields that are not given are removed. */
  put(resource: Resource, object: object): void;
  /** Changes only the spec of an object. */
  edit(resource: Resource, name: string, spec: object): void;
  /** Deletes an object as `kubectl delete` does. */
  remove(resource: Resource, name: string, namespace?: string): void;
  /** The node document. */
  document(): NodeDocument;
  /** Writes the report of a node that has carried out `revision` and has these upstreams. */
  report(node: string, revision: string, ...upstreams: readonly string[]): void;
  /** Advances the clock until `condition` returns something truthy, and returns that. Throws after an hour of the clock. */
  until<T>(condition: () => T, what?: string): Promise<NonNullable<T>>;
  /** Advances the clock by `ms`. */
  pass(ms: number): Promise<void>;
  /** Suspends the operator for `ms`. It continues with its next turn, before any timer has fired. */
  suspend(ms: number): void;
  /** Stops the operator and starts another one, which knows only what the API server has. */
  restart(): Promise<void>;
}

export interface StandInOptions {
  /** Names of the ConfigMaps with the taken upstreams, and of the report. */
  readonly takenUpstreams?: string;
  readonly report?: string;
  /** The ConfigMap with CA certificates for all caches. */
  readonly trustedCa?: ObjectKey;
  readonly objectLabels?: Readonly<Record<string, string>>;
}

export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  await using cleanup = new AsyncDisposableStack();
  const api = cleanup.use(await startApi());
  const clock = new ManualClock();
  let suspendedMs = 0;
  const ofOperator: Clock = {
    now: () => clock.now() + suspendedMs,
    monotonic: () => clock.monotonic() + suspendedMs,
    after: (ms, callback) => clock.after(ms, callback),
  };
  giveAddresses(api);
  let started = 0;
  const start = (): Promise<RunningOperator> => {
    started += 1;
    return startOperator(
      { connection: connectionTo(api), clock: ofOperator, logger: silentLogger, random: () => 0.5 },
      {
        namespace: SYSTEM,
        image: 'larder.example/larder:1',
        imagePullSecrets: [],
        nodeAgent: 'larder-node-agent',
        relayUrl: RELAY_URL,
        priorityClassName: undefined,
        claimRetention: 'Delete',
        serviceAccountName: 'default',
        podLabels: {},
        objectLabels: {},
        tolerations: [],
        nodeSelector: {},
        serviceMonitorLabels: {},
        identity: `operator-${started}`,
        adminAddress: { host: '127.0.0.1', port: 0 },
        version: 'test',
        ...options,
      },
    );
  };
  let operator = await start();
  cleanup.defer(() => operator.stop());

  let made = 0;
  async function step(): Promise<void> {
    clock.advance(STEP_MS);
    for (let count = 0; count < TURNS; count += 1) await turn();
  }

  const find = (resource: Resource, name: string, namespace: string): StoredObject | undefined =>
    api.store.find({ collection: collectionOf(resource), namespace, name });

  const standIn: Omit<StandIn, typeof Symbol.asyncDispose> = {
    api,
    clock,
    get operator() {
      return operator;
    },
    get: (resource, name, namespace = SYSTEM) =>
      find(resource, name, namespace) as unknown as Held | undefined,
    put(resource, object) {
      made += 1;
      const sent = object as SentObject;
      const creationTimestamp = `2026-01-01T00:00:${String(made).padStart(2, '0')}Z`;
      const metadata = { creationTimestamp, ...sent.metadata };
      api.put(collectionOf(resource), { ...sent, metadata });
    },
    edit(resource, name, spec) {
      api.put(collectionOf(resource), { ...(find(resource, name, TEAM) as StoredObject), spec });
    },
    remove: (resource, name, namespace = TEAM) => api.remove(collectionOf(resource), name, namespace),
    document() {
      const held = standIn.get(CONFIG_MAPS, NODES_CONFIG_MAP);
      const text = held?.data?.[NODES_KEY];
      return text === undefined ? EMPTY_DOCUMENT : parseNodeDocument(text, NODES_CONFIG_MAP);
    },
    report(node, revision, ...upstreams) {
      standIn.put(LEASES, nodeReport(node, revision, ...upstreams));
    },
    async until(condition, what = condition.toString()) {
      const end = clock.monotonic() + 3600_000;
      for (;;) {
        const found = condition();
        if (found) return found;
        if (clock.monotonic() >= end) throw new Error(`waited an hour in vain for: ${what}`);
        await step();
      }
    },
    suspend(ms) {
      suspendedMs += ms;
    },
    async restart() {
      await operator.stop();
      operator = await start();
    },
    async pass(ms) {
      const end = clock.monotonic() + ms;
      while (clock.monotonic() < end) await step();
    },
  };
  const owned = cleanup.move();
  return Object.assign(standIn, { [Symbol.asyncDispose]: () => owned.disposeAsync() });
}

function collectionOf({ group, version, plural }: Resource): string {
  return group === '' ? `${version}/${plural}` : `${group}/${version}/${plural}`;
}

/** Gives every Service an address of its own, as an API server does. */
function giveAddresses({ store }: ApiServer): void {
  let last = 0;
  store.onChange(({ collection, before, object, isDeletion }) => {
    if (collection !== collectionOf(SERVICES) || before !== undefined || isDeletion) return;
    const { namespace, name } = object.metadata;
    last += 1;
    const spec = { ...(object['spec'] as object), clusterIP: `10.96.0.${last}` };
    // After the write that caused this call.
    queueMicrotask(() => void store.replace({ collection, namespace, name }, { ...object, spec }));
  });
}
