import type { Clock } from '../../kit/clock.ts';
import type { Reconcile } from '../../kube/controller/reconcile.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import type { Intent, KubeObject } from '../../kube/types.ts';
import { formatNodeDocument } from '../../node-agent/node-document.ts';
import {
  CONFIG_MAPS,
  NODES_CONFIG_MAP,
  NODES_KEY,
  type ConfigMap,
} from '../../node-agent/nodes-config-map.ts';
import type { Authority } from '../authority/authority-state.ts';
import { certificateNameOf, serverNameOf } from '../caches/cache-certificate.ts';
import { clusterIpOf } from '../caches/cluster-ip.ts';
import type { Plan, PlannedCache, PlannedMirrors } from '../configs/plan.ts';
import { MANAGED_BY } from '../render/identity.ts';
import type { NamedSecrets } from '../secrets/named-secrets.ts';
import { bundleProblem } from '../secrets/bundle-problem.ts';
import type { Watched } from '../watched.ts';
import { composeDocument } from './compose-document.ts';
import type { NodeDocumentView } from './node-document-view.ts';
import type { ToldBook } from './told-book.ts';
import { toldSpecs } from './told-specs.ts';

/**
 * Between two documents: every node carries out, and reports, each of them. The first change of many is told at once, and the others
 * together.
 */
const EVERY_MS = 2_000;

export interface NodesDeps {
  readonly clock: Clock;
  readonly applier: Applier;
  readonly watched: Watched;
  readonly plan: () => Plan;
  readonly authority: () => Authority | undefined;
  readonly secrets: NamedSecrets;
  readonly document: NodeDocumentView;
  readonly told: ToldBook;
}

/** The one key: there is one document for all nodes. */
export const NODES = 'nodes';

/**
 * Keeps the document in step with the plan. A cache is told of once its Service has an address and its certificate is there: that it answers, each
 * node finds out for itself before it turns to it (the agent's gate).
 */
export function createNodesReconciler(
  deps: NodesDeps,
  { namespace }: { readonly namespace: string },
): Reconcile {
  const { clock, watched, document } = deps;
  let lastText = '';
  let lastAt = -Infinity;
  return async (_key, { signal }) => {
    const authority = deps.authority();
    // Its coming is a change that brings this here again.
    if (authority === undefined) return 'done';
    const plan = deps.plan();
    const bundles = await readBundles(plan.mirrors, signal);
    const composed = composeDocument({
      plan,
      bundle: authority.bundle,
      addressOf,
      bundleOf: (mirrors, name) => bundles.get(bundleId(mirrors, name)),
      before: document.current(),
    });
    const text = formatNodeDocument(composed);
    const intent: Intent<ConfigMap> = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: NODES_CONFIG_MAP, labels: MANAGED_BY },
      data: { [NODES_KEY]: text },
    };
    const waitMs = lastAt + EVERY_MS - clock.monotonic();
    if (text !== lastText && waitMs > 0) return { requeueAfterMs: waitMs };
    if (text !== lastText) lastAt = clock.monotonic();
    lastText = text;
    await deps.applier.ensure(CONFIG_MAPS, intent, watched.configMaps.get(intent.metadata), signal);
    deps.told.set({ revision: composed.revision, specs: toldSpecs(composed, plan) });
    return 'done';
  };

  function addressOf(planned: PlannedCache) {
    const cache = planned.config;
    const clusterIP = clusterIpOf(planned, watched, namespace);
    if (clusterIP === undefined) return undefined;
    const hasCertificate =
      watched.secrets.get({ namespace, name: certificateNameOf({ cache }) }) !== undefined;
    if (cache.http.tls && !hasCertificate) return undefined;
    return { clusterIP, serverName: serverNameOf({ cache, namespace }) };
  }

  async function readBundles(
    mirrors: readonly PlannedMirrors[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const bundles = new Map<string, string>();
    for (const one of mirrors) {
      for (const { caBundleSecretReferenceName: name } of one.mirrors.hosts) {
        if (name === undefined) continue;
        const key = { namespace: namespaceOf(one.holder), name };
        const data = (await deps.secrets.read(key, signal))?.data;
        if (bundleProblem(key, data) !== undefined) continue;
        bundles.set(bundleId(one, name), Buffer.from(data?.['bundle.crt'] ?? '', 'base64').toString('utf8'));
      }
    }
    return bundles;
  }
}

function bundleId({ holder }: PlannedMirrors, name: string): string {
  return `${namespaceOf(holder)}/${name}`;
}

function namespaceOf({ metadata }: KubeObject): string {
  return metadata.namespace ?? '';
}
