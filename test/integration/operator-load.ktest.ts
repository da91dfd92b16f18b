import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { waitFor } from '../kit/index.ts';
import { startApiProxy } from '../kube/api-proxy.ts';
import { operate, registryConfig, startOperatedApi, SYSTEM, TEAM, type Held } from '../operator/setting.ts';
import { simulateNodes } from '../operator/simulated-nodes.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const CONFIGS = 200;
const NODES = 100;
const LONG = { limitMs: 240_000, everyMs: 1_000 };

describe(`an operator with ${CONFIGS} objects and ${NODES} nodes`, requireParts(GROUPS.api), () => {
  test('sends next to no requests to the API server at rest, and few for a change', async (context) => {
    await using api = await startOperatedApi({ controllerManager: false });
    await using proxy = await startApiProxy({ ...api.access });
    const byAgent = (agent: string): number =>
      proxy.requests().filter(({ userAgent }) => userAgent.includes(`(${agent})`)).length;
    const counts = (): string =>
      proxy
        .counts()
        .map(({ verb, resource, userAgent, count }) => `${count} ${verb} ${resource} ${userAgent}`)
        .join(', ');
    await using _operator = await operate({ kubeconfig: proxy.kubeconfig });
    await using _nodes = await simulateNodes(NODES, proxy.kubeconfig);

    const names = Array.from({ length: CONFIGS }, (_, index) => `config-${index + 1}`);
    await api.kubectl.apply(...names.map((name) => registryConfig(name, { upstream: `${name}.example` })));
    await waitFor(async () => (await configured(api.kubectl)) === CONFIGS, {
      ...LONG,
      what: 'every object to be on every node',
    });
    context.diagnostic(
      `until all nodes are configured: ${byAgent('operator')} by the operator, ${byAgent('node-agent')} by nodes`,
    );

    // The requests of the last change are over when none has come for a while.
    let seen = -1;
    await waitFor(
      () => {
        const quiet = proxy.requests().length === seen;
        seen = proxy.requests().filter(({ resource }) => resource !== 'leases.coordination.k8s.io').length;
        return quiet;
      },
      { ...LONG, limitMs: 30_000, everyMs: 3_000, what: 'rest' },
    ).catch(() => {});
    proxy.forget();
    const end = performance.now() + 60_000;
    await waitFor(() => performance.now() >= end, { ...LONG, what: 'a minute' });
    const [ofOperator, ofNodes] = [byAgent('operator'), byAgent('node-agent')];
    context.diagnostic(`a minute at rest: ${ofOperator} by the operator, ${ofNodes} by nodes: ${counts()}`);
    // 30 renewals of the lease, and watches that end after 5 to 10 minutes.
    assert.ok(ofOperator <= 45, counts());
    assert.ok(ofNodes <= 60, counts());

    proxy.forget();
    await api.kubectl.apply(
      registryConfig('config-1', { upstream: 'config-1.example', freshness: { tagTTL: '5s' } }),
    );
    await waitFor(
      async () => {
        const map = await api.kubectl(
          '--namespace',
          SYSTEM,
          'get',
          'configmap',
          'registry-config-1-example-config',
          '--output=yaml',
        );
        return map.includes('tagTTL: 5s');
      },
      { ...LONG, everyMs: 100 },
    );
    context.diagnostic(
      `one field changed: ${byAgent('operator')} by the operator, ${byAgent('node-agent')} by nodes: ${counts()}`,
    );
    assert.ok(byAgent('operator') <= 20, counts());
  });
});

/** Number of objects whose cache all nodes use. */
async function configured(kubectl: Awaited<ReturnType<typeof startOperatedApi>>['kubectl']): Promise<number> {
  const { items } = await kubectl.json<{ items: readonly Held[] }>('registryconfigs', '--namespace', TEAM);
  return items.filter(({ status }) => status?.caches?.[0]?.nodes?.configured === NODES).length;
}
