/**
 * A whole operator in this process, in front of the stand-in of the API server, by a clock that the test moves. Nobody makes pods there, or volumes,
 * and nodes say what the test makes them say.
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
import type { Resource } from '../../src/kube/types.ts';
import { startApi, type ApiServer } from '../kube/api-server.ts';
import type { SentObject, StoredObject } from '../kube/api-store.ts';
import { connectionTo } from '../kube/client.ts';
import { nodeReport, RELAY_URL, SYSTEM, TEAM, type Held } from './setting.ts';

/** Of the clock, between two looks: renewals of the lease are not missed. */
const STEP_MS = 250;
/** Of the event loop, for ten requests on loopback, one after the other. */
const TURNS = 40;

export interface StandIn extends AsyncDisposable {
  readonly api: ApiServer;
  readonly clock: ManualClock;
  /** The one that runs now. */
  readonly operator: RunningOperator;
  get(resource: Resource, name: string, namespace?: string): Held | undefined;
  /** Creates an object, younger than those before; or replaces it as `kubectl replace` does: what is not said is gone. */
  put(resource: Resource, object: object): void;
  /** Changes the spec of an object, and nothing else. */
  edit(resource: Resource, name: string, spec: object): void;
  /** As `kubectl delete` does. */
  remove(resource: Resource, name: string, namespace?: string): void;
  /** What nodes are told. */
  document(): NodeDocument;
  /** A node says that it has carried out `revision`, and has these upstreams. */
  report(node: string, revision: string, ...upstreams: readonly string[]): void;
  /** Lets time pass until `condition` gives something truthy, and gives that back; an hour of the clock at most. */
  until<T>(condition: () => T, what?: string): Promise<NonNullable<T>>;
  /** Lets so much time pass. */
  pass(ms: number): Promise<void>;
  /** The operator is suspended for so long, and goes on with what has its turn then: no timer knows of it yet. */
  suspend(ms: number): void;
  /** The operator is stopped, and another one takes its place, which knows nothing but what the API server has. */
  restart(): Promise<void>;
}

export async function startStandIn(): Promise<StandIn> {
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
        serviceMonitorLabels: {},
        identity: `operator-${started}`,
        adminAddress: { host: '127.0.0.1', port: 0 },
        version: 'test',
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

/** As an API server does: every Service has an address, and its own. */
function giveAddresses({ store }: ApiServer): void {
  let last = 0;
  store.onChange(({ collection, before, object, isDeletion }) => {
    if (collection !== collectionOf(SERVICES) || before !== undefined || isDeletion) return;
    const { namespace, name } = object.metadata;
    last += 1;
    const spec = { ...(object['spec'] as object), clusterIP: `10.96.0.${last}` };
    // Not within the write that this is told of.
    queueMicrotask(() => void store.replace({ collection, namespace, name }, { ...object, spec }));
  });
}
