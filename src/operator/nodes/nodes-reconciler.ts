import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Reconcile } from '../../kube/controller/reconcile.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import type { NodeDocument } from '../../fleet/node-document.ts';
import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import type { AuthorityKeeper } from '../authority/authority-keeper.ts';
import { certificateSecretName, serverNameOf } from '../authority/cache-certificate.ts';
import { clusterIpOf } from './cluster-ip.ts';
import type { Plan, PlannedCache, PlannedMirrors } from '../configs/plan.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';
import { mirrorBundleProblem } from '../secrets/mirror-bundle-problem.ts';
import { textAt } from '../secrets/text-at.ts';
import { NOT_OWNED_RETRY_MS, NotOwnedError } from '../ownership/not-owned-error.ts';
import type { Watched } from '../cluster/watched.ts';
import { composeDocument } from './compose-document.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import type { NodeProblems } from './node-problems.ts';
import { nodesObject, assertNodesObjectIsOurs } from './nodes-object.ts';
import type { PublishedDocument } from './published-document.ts';
import { publishedSpecs } from './published-specs.ts';

/**
 * Between two documents: every node carries out, and reports, each of them. The first change of many is told at once, and the others
 * together.
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
  readonly told: PublishedDocument;
}

/** The one key: there is one document for all nodes. */
export const NODES = 'nodes';

/**
 * Keeps the document in step with the plan. A cache is told of once its Service has an address and its certificate is there: that it answers, each
 * node finds out for itself before it turns to it (the agent's gate). What cannot be told is one object's problem, and says so there: the others
 * are told all the same.
 */
export function createNodesReconciler(
  deps: NodesDeps,
  { namespace }: { readonly namespace: string },
): Reconcile {
  const { client, clock, applier, watched, problems } = deps;
  let lastRevision = '';
  let lastAt = -Infinity;
  return async (_key, { signal }) => {
    const authority = deps.authority.current();
    // Its coming is a change that brings this here again. Where it cannot come, mirrors need none, and what goes has to go.
    if (authority === undefined && deps.authority.problem() === undefined) return 'done';
    const waitMs = lastAt + EVERY_MS - clock.monotonic();
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    const plan = deps.plan();
    const { bundles, unread } = await readBundles(plan.mirrors, signal);
    const before = deps.document.current();
    const bundle = authority?.bundle ?? before.ca;
    const { document, leftOut } = composeDocument({
      plan,
      bundle,
      addressOf: (planned) => addressOf(planned, bundle),
      bundleOf: (mirrors, name) => bundles.get(bundleId(mirrors, name)),
      isUnread: ({ mirrors }) => unread.has(mirrors.upstream),
      before,
    });
    const known = new Map(
      [...unread].map(([upstream, error]) => [upstream, `its CA bundle cannot be read: ${errorText(error)}`]),
    );
    for (const [upstream, why] of leftOut) known.set(upstream, why);
    try {
      await write(document, signal);
    } catch (error) {
      signal.throwIfAborted();
      for (const upstream of concerned(before, document))
        known.set(upstream, `nodes cannot be told of the last change: ${errorText(error)}`);
      problems.set(known);
      if (error instanceof NotOwnedError) return { requeueAfterMs: NOT_OWNED_RETRY_MS };
      throw error;
    }
    if (document.revision !== lastRevision) lastAt = clock.monotonic();
    lastRevision = document.revision;
    problems.set(known);
    deps.told.set({ revision: document.revision, specs: publishedSpecs(document, plan) });
    // Tried again as what else fails.
    const [failure] = unread.values();
    if (failure !== undefined) throw failure;
    return 'done';
  };

  async function write(document: NodeDocument, signal: AbortSignal): Promise<void> {
    const intent = nodesObject(document, namespace);
    const observed = watched.configMaps.get(intent.metadata);
    if (observed === undefined) await assertNodesObjectIsOurs(client, namespace, signal);
    await applier.ensure(CONFIG_MAPS, intent, observed, signal);
  }

  function addressOf(planned: PlannedCache, bundle: string) {
    const cache = planned.config;
    const clusterIP = clusterIpOf(planned, watched, namespace);
    if (clusterIP === undefined) return undefined;
    const hasCertificate =
      watched.secrets.get({ namespace, name: certificateSecretName({ cache }) }) !== undefined;
    if (cache.http.tls && (bundle === '' || !hasCertificate)) return undefined;
    return { clusterIP, serverName: serverNameOf({ cache, namespace }) };
  }

  /** By {@link bundleId}; and of which upstreams one could not be read, and why. */
  async function readBundles(mirrors: readonly PlannedMirrors[], signal: AbortSignal) {
    const bundles = new Map<string, string>();
    const unread = new Map<string, unknown>();
    for (const one of mirrors) {
      for (const { caBundleSecretReferenceName: name } of one.mirrors.hosts) {
        if (name === undefined) continue;
        const key = { namespace: namespaceOf(one.owner), name };
        try {
          const data = (await deps.secrets.read(key, signal))?.data;
          if (mirrorBundleProblem(key, data) !== undefined) continue;
          bundles.set(bundleId(one, name), textAt(data ?? {}, 'bundle.crt') ?? '');
        } catch (error) {
          signal.throwIfAborted();
          unread.set(one.mirrors.upstream, error);
        }
      }
    }
    return { bundles, unread };
  }
}

/** Upstreams of which nodes are told something else then. */
function concerned(before: NodeDocument, after: NodeDocument): string[] {
  const [old, now] = [textsOf(before), textsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
}

function textsOf({ ca, caches, mirrors }: NodeDocument): ReadonlyMap<string, string> {
  return new Map([
    ...caches.map((entry) => [entry.upstream, JSON.stringify([ca, entry])] as const),
    ...mirrors.map((entry) => [entry.upstream, JSON.stringify(entry)] as const),
  ]);
}

function bundleId({ owner }: PlannedMirrors, name: string): string {
  return `${namespaceOf(owner)}/${name}`;
}

function namespaceOf({ metadata }: KubeObject): string {
  return metadata.namespace ?? '';
}
