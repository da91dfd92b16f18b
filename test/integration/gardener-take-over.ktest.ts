/**
 * `larder extension` takes a shoot over from the Go extension at real API servers, with the rights of its chart, and hands it back. In the shoot,
 * its API server accepts every change of a StatefulSet, which it would refuse for most fields.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startExtension, startExtensionLab, type ExtensionLab } from '../gardener/extension-lab.ts';
import { GO_INPUT, GO_NAMESPACE, goObjectsInSeed, readGoShoot } from '../gardener/go-shoot.ts';
import { createLabShoot, type LabShoot } from '../gardener/lab-gardener.ts';
import { list, type LabObject } from '../gardener/lab-objects.ts';
import { baseShoot } from '../gardener/recorded-admission.ts';
import { manifestsOf, type AnyObject } from '../gardener/recorded-snapshot.ts';
import { refusal } from '../cluster/api-requests.ts';
import { waitFor } from '../kit/index.ts';
import { mergePatched } from '../kube/merge-patch.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const IN_NAMESPACE = `namespaces/${GO_NAMESPACE}`;
const SECRETS = `/api/v1/${IN_NAMESPACE}/secrets`;
const RESOURCES = `/apis/resources.gardener.cloud/v1alpha1/${IN_NAMESPACE}/managedresources`;
const EXTENSION = `/apis/extensions.gardener.cloud/v1alpha1/${IN_NAMESPACE}/extensions/registry-cache`;
const SERVICES = '/api/v1/namespaces/kube-system/services';
const STATEFUL_SETS = '/apis/apps/v1/namespaces/kube-system/statefulsets';
const CA = 'ca-extension-registry-cache-0ebe6dfd';

type Known = LabObject & {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
  readonly spec?: { readonly clusterIP?: string; readonly volumeClaimTemplates?: object };
};

interface Extension extends LabObject {
  readonly spec: { readonly providerConfig: object };
  readonly status: {
    readonly lastOperation: { readonly type: string; readonly state: string };
    readonly providerStatus: { readonly caches: readonly object[] };
  };
}

describe('a shoot of the Go extension', requireParts([...GROUPS.api, 'helm', 'ip', 'busybox']), () => {
  let lab: ExtensionLab;
  let shoot: LabShoot;

  before(async () => {
    lab = await startExtensionLab();
    shoot = await createLabShoot(lab, GO_NAMESPACE, mergePatched(baseShoot(), GO_INPUT.shoot));
    await putGoShoot();
  });

  after(async () => {
    await shoot[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  async function post({ requests }: ExtensionLab['seed'], path: string, object: object): Promise<void> {
    assert.equal(refusal(await requests('POST', path, object))?.message, undefined);
  }

  /** Writes what the Go extension has left. Addresses are those of the lab. */
  async function putGoShoot(): Promise<void> {
    for (const service of readGoShoot().shoot as unknown as readonly Known[]) {
      const { clusterIP: _, clusterIPs: __, ...spec } = service.spec as Record<string, unknown>;
      await post(lab.shoot, SERVICES, { ...service, metadata: ownMetadata(service), spec });
    }
    await lab.seed.server.kubectl.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'ref-creds-v1', namespace: GO_NAMESPACE },
      stringData: GO_INPUT.secrets['ref-creds-v1'].data,
    });
    for (const object of goObjectsInSeed()) {
      const { apiVersion, kind } = object;
      const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : '/api/v1';
      const path = `${group}/${IN_NAMESPACE}/${kind.toLowerCase()}s`;
      await post(lab.seed, path, { ...object, metadata: ownMetadata(object as unknown as Known) });
      if (kind !== 'Extension') continue;
      const extension = await lab.seed.requests('GET', `${path}/${object.metadata.name}`);
      const { status } = object;
      await lab.seed.requests('PUT', `${path}/${object.metadata.name}/status`, { ...extension, status });
    }
    await rollStatefulSets();
  }

  /** Applies the StatefulSets to the shoot as gardener-resource-manager does: it keeps the claim templates. */
  async function rollStatefulSets(): Promise<void> {
    for (const resource of await list(lab.seed, RESOURCES)) {
      const { secretRefs = [] } = resource.spec as { secretRefs?: { name: string }[] };
      for (const { name } of secretRefs) {
        const secret = (await lab.seed.requests('GET', `${SECRETS}/${name}`)) as AnyObject;
        for (const manifest of manifestsOf(secret).filter(({ kind }) => kind === 'StatefulSet'))
          await applyStatefulSet(manifest as unknown as Known);
      }
    }
  }

  async function applyStatefulSet(manifest: Known): Promise<void> {
    const path = `${STATEFUL_SETS}/${manifest.metadata.name}`;
    const found = (await lab.shoot.requests('GET', path)) as Known;
    if (refusal(found) !== undefined) return post(lab.shoot, STATEFUL_SETS, manifest);
    const { resourceVersion } = found.metadata;
    const answer = await lab.shoot.requests('PUT', path, {
      ...manifest,
      metadata: { ...manifest.metadata, resourceVersion },
      spec: { ...manifest.spec, volumeClaimTemplates: found.spec?.volumeClaimTemplates },
    });
    assert.equal(refusal(answer)?.message, undefined);
  }

  /** Identity of everything that must not be made again. */
  async function identities(): Promise<object> {
    const known = async (cluster: ExtensionLab['seed'], path: string) =>
      ((await list(cluster, path)) as Known[]).map(({ metadata, spec }) => [
        metadata.name,
        metadata.uid,
        spec?.clusterIP,
      ]);
    return {
      resources: await known(lab.seed, RESOURCES),
      services: await known(lab.shoot, SERVICES),
      statefulSets: await known(lab.shoot, STATEFUL_SETS),
      authority: await lab.seed.requests('GET', `${SECRETS}/${CA}`),
    };
  }

  async function reconcile(): Promise<Extension> {
    const { spec } = (await shoot.find('registry-cache')) as Extension;
    await shoot.apply('registry-cache', spec.providerConfig);
    const isDone = async () => {
      const { metadata, status } = (await lab.seed.requests('GET', EXTENSION)) as Extension;
      const isAsked = metadata.annotations?.['gardener.cloud/operation'] !== undefined;
      return !isAsked && status.lastOperation.state === 'Succeeded';
    };
    await waitFor(isDone, { limitMs: 30_000, everyMs: 50, what: 'the reconcile' });
    await rollStatefulSets();
    return (await lab.seed.requests('GET', EXTENSION)) as Extension;
  }

  const generations = async () =>
    (await list(lab.shoot, STATEFUL_SETS)).map(({ metadata }) => metadata.generation);

  test('is taken over with one roll of each pod, handed back with one more, and no object is made again', async () => {
    const known = await identities();
    const places: (readonly object[])[] = [];
    assert.deepEqual(await generations(), [1, 1]);
    for (const [flags, expected] of [
      [{}, [2, 2]],
      [{ '--hand-back': 'true' }, [3, 3]],
    ] as const) {
      await using program = startExtension(lab, flags);
      await waitFor(() => program.isReady());
      for (let round = 0; round < 2; round += 1) {
        const { status } = await reconcile();
        assert.equal(status.lastOperation.type, 'Reconcile');
        places.push(status.providerStatus.caches);
        assert.deepEqual(await generations(), expected);
        assert.deepEqual(await identities(), known);
      }
      assert.doesNotMatch(program.output(), /forbidden/);
      assert.equal(await program.stop(), 0);
    }
    for (const caches of places) assert.deepEqual(caches, places[0]);
  });
});

/** Without what the API server decides. */
function ownMetadata({ metadata }: Known): object {
  const { name, labels, annotations, finalizers, namespace } = metadata as Known['metadata'] & {
    readonly namespace?: string;
  };
  return { name, namespace, labels, annotations, finalizers };
}
