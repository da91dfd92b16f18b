import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MergePatch } from '../../src/kube/types.ts';
import { refusal } from '../cluster/api-requests.ts';
import { waitFor } from '../kit/wait.ts';
import { mergePatched } from '../kube/merge-patch.ts';
import type { ExtensionLab } from './extension-lab.ts';
import type { LabCluster } from './lab-cluster.ts';
import { baseShoot } from './recorded-admission.ts';
import type { CaseInput } from './recorded-cases.ts';
import type { Backend } from './webhook-balancer.ts';

const EXTENSIONS = '/apis/extensions.gardener.cloud/v1alpha1';
const LABELS = {
  'gardener.cloud/role': 'shoot',
  'extensions.gardener.cloud/registry-cache': 'true',
  'extensions.gardener.cloud/registry-mirror': 'true',
};

type Input = Pick<CaseInput, 'shoot' | 'secrets' | 'namespaceLabels'> & {
  readonly cluster?: unknown;
  readonly steps?: CaseInput['steps'];
};

const TWO_CACHES = [
  { 'create-extension': { type: 'registry-cache' } },
  {
    'set-status': {
      type: 'registry-cache',
      status: {
        providerStatus: {
          apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
          kind: 'RegistryStatus',
          caSecretName: 'ca',
          caches: ['docker.io', 'ghcr.io'].map((upstream) => ({
            upstream,
            endpoint: 'https://10.4.0.11:5000',
            remoteURL: `https://${upstream}`,
          })),
        },
      },
    },
  },
];

/** A shoot with two caches and no mirrors. */
export const CACHED_SHOOT: Input = {
  namespaceLabels: { 'extensions.gardener.cloud/registry-mirror': null },
  secrets: { ca: { data: { 'bundle.crt': 'certificates' } } },
  steps: TWO_CACHES,
};

/** Creates the namespace of a shoot with what a case says, and carries out the steps that write objects of gardenlet and of the controllers. */
export async function createOscShoot(
  { requests }: Pick<LabCluster, 'requests'>,
  namespace: string,
  { shoot, secrets = {}, namespaceLabels = {}, cluster = true, steps = [] }: Input,
): Promise<void> {
  const labels = mergePatched(LABELS, namespaceLabels as MergePatch);
  await requests('POST', '/api/v1/namespaces', { metadata: { name: namespace, labels } });
  for (const [name, { data = {} }] of Object.entries(secrets))
    await requests('POST', `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name },
      stringData: data,
    });
  const spec = { shoot: mergePatched(baseShoot(), { ...(shoot as MergePatch | undefined) }) };
  const head = (kind: string) => ({ apiVersion: 'extensions.gardener.cloud/v1alpha1', kind });
  if (cluster !== false)
    await requests('POST', `${EXTENSIONS}/clusters`, {
      ...head('Cluster'),
      metadata: { name: namespace },
      spec,
    });
  const path = `${EXTENSIONS}/namespaces/${namespace}/extensions`;
  for (const step of steps) {
    const [action = '', value] = Object.entries(step as Readonly<Record<string, object>>)[0] ?? [];
    const { type: name, status, ...rest } = value as { readonly type: string; readonly status?: object };
    if (action === 'create-extension')
      await requests('POST', path, {
        ...head('Extension'),
        metadata: { name, namespace },
        spec: { type: name, ...rest },
      });
    if (action === 'set-status') {
      // A controller may write between the two.
      await waitFor(async () => {
        const before = await requests('GET', `${path}/${name}`);
        const answer = await requests('PUT', `${path}/${name}/status`, { ...before, status });
        return refusal(answer) === undefined;
      });
    }
  }
}

/** A balancer in the network of a lab. */
export interface LabBalancer extends AsyncDisposable {
  route(backends: readonly Backend[]): Promise<void>;
}

export async function startLabBalancer({ place }: ExtensionLab, port: number): Promise<LabBalancer> {
  const script = fileURLToPath(new URL('lab-balancer.ts', import.meta.url));
  const [command, ...args] = [...place.enter, process.execPath, script, String(port)];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async route(backends) {
      child.stdin.write(`${JSON.stringify(backends)}\n`);
      await lines.next();
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'close');
      child.stdin.end();
      await ended;
    },
  };
}
