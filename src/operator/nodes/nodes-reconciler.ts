import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Reconcile } from '../../kube/controller/reconcile.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import type { KubeClient } from '../../kube/types.ts';
import type { NodeDocument } from '../../fleet/node-document.ts';
import type { AuthorityKeeper } from '../authority/authority-keeper.ts';
import { serverNameOf } from '../authority/cache-certificate.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import type { Watched } from '../cluster/watched.ts';
import type { Plan, PlannedCache } from '../configs/plan.ts';
import { NOT_OWNED_RETRY_MS, NotOwnedError } from '../ownership/not-owned-error.ts';
import { certificateSecretName } from '../render/cache-names.ts';
import { clusterIpOf } from './cluster-ip.ts';
import { composeDocument } from './compose-document.ts';
import { readMirrorBundles } from './mirror-bundles.ts';
import type { NodeProblems } from './node-problems.ts';
import { assertNodesObjectIsOurs, nodesObject } from './nodes-object.ts';
import { publishedSpecs, type PublishedDocument } from './published-document.ts';

/**
 * Shortest time between two documents, because every node carries out and reports each of them. The first of many changes is published at
 * once, the others together.
 */
const EVERY_MS = 2_000;

export interface NodesDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly applier: Applier;
  readonly watched: Watched;
  readonly plan: () => Plan;
  readonly authority: Pick<AuthorityKeeper, 'current' | 'problem'>;
  readonly secrets: NamedSecrets;
  readonly document: NodeDocumentView;
  readonly problems: NodeProblems;
  readonly published: PublishedDocument;
}

export interface NodesSettings {
  readonly namespace: string;
  /** Additional labels of the ConfigMap. */
  readonly objectLabels: Readonly<Record<string, string>>;
}

/** The only key, because there is one document for all nodes. */
export const NODES = 'nodes';

/**
 * Publishes the plan to the nodes. A cache is published once its Service has an address and its certificate exists. Whether it answers, each
 * node probes itself before it uses the cache. An upstream that cannot be published is reported in the status of its owner, and delays no
 * other.
 */
export function createNodesReconciler(
  deps: NodesDeps,
  { namespace, objectLabels }: NodesSettings,
): Reconcile {
  const { client, clock, applier, watched, problems } = deps;
  let lastRevision = '';
  let lastAt = -Infinity;
  return async (_key, { signal }) => {
    const authority = deps.authority.current();
    // A new authority wakes this controller. If it cannot be created, the document is still written: mirrors need no authority, and removals
    // must not wait for one.
    if (authority === undefined && deps.authority.problem() === undefined) return 'done';
    const waitMs = lastAt + EVERY_MS - clock.monotonic();
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    const plan = deps.plan();
    const { problem } = plan;
    if (problem !== undefined) {
      // Another plan wakes this controller.
      problems.set(new Map(plan.mirrors.map(({ mirrors: { upstream } }) => [upstream, problem])));
      return 'done';
    }
    const { bundleOf, unread } = await readMirrorBundles(deps.secrets, plan.mirrors, signal);
    const before = deps.document.current();
    const bundle = authority?.bundle ?? before.ca;
    const { document, leftOut } = composeDocument({
      plan,
      bundle,
      addressOf: (planned) => addressOf(planned, bundle),
      bundleOf,
      isUnread: ({ mirrors }) => unread.has(mirrors.upstream),
      before,
    });
    const found = new Map(
      [...unread].map(([upstream, error]) => [upstream, `its CA bundle cannot be read: ${errorText(error)}`]),
    );
    for (const [upstream, why] of leftOut) found.set(upstream, why);
    try {
      await write(document, signal);
    } catch (error) {
      signal.throwIfAborted();
      for (const upstream of changedUpstreams(before, document))
        found.set(upstream, `the last change cannot be published to nodes: ${errorText(error)}`);
      problems.set(found);
      if (error instanceof NotOwnedError) return { requeueAfterMs: NOT_OWNED_RETRY_MS };
      throw error;
    }
    if (document.revision !== lastRevision) lastAt = clock.monotonic();
    lastRevision = document.revision;
    problems.set(found);
    deps.published.set({
      revision: document.revision,
      specs: publishedSpecs(document, plan),
      taken: plan.taken,
    });
    // A read error is retried with back-off.
    const [failure] = unread.values();
    if (failure !== undefined) throw failure;
    return 'done';
  };

  async function write(document: NodeDocument, signal: AbortSignal): Promise<void> {
    const intent = nodesObject(document, namespace, objectLabels);
    const observed = watched.configMaps.get(intent.metadata);
    if (observed === undefined) await assertNodesObjectIsOurs(client, namespace, signal);
    await applier.ensure(CONFIG_MAPS, intent, observed, signal);
  }

  function addressOf(planned: PlannedCache, bundle: string) {
    const cache = planned.config;
    const clusterIP = clusterIpOf(planned, watched, namespace);
    if (clusterIP === undefined) return undefined;
    const hasCertificate =
      watched.secrets.get({ namespace, name: certificateSecretName(cache) }) !== undefined;
    if (cache.http.tls && (bundle === '' || !hasCertificate)) return undefined;
    return { clusterIP, serverName: serverNameOf({ cache, namespace }) };
  }
}

/** Upstreams whose entries differ between the two documents. */
function changedUpstreams(before: NodeDocument, after: NodeDocument): string[] {
  const [old, now] = [textsOf(before), textsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
}

function textsOf({ ca, caches, mirrors }: NodeDocument): ReadonlyMap<string, string> {
  return new Map([
    ...caches.map((entry) => [entry.upstream, JSON.stringify([ca, entry])] as const),
    ...mirrors.map((entry) => [entry.upstream, JSON.stringify(entry)] as const),
  ]);
}
