/** Tests that charts and registration take the place of those of the Go extension, whose published files are read from its Go module. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { createHelm, type Helm } from '../cluster/helm.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';
import { CHARTS } from '../gardener/charts.ts';
import {
  differencesOf,
  flatObjects,
  GO_CHARTS,
  renderFlat,
  valuePaths,
  type FlatObjects,
} from '../gardener/go-charts.ts';
import { tempDir, waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { goModule, requireGo } from '../parts/go-module.ts';
import { GROUPS } from '../parts/groups.ts';

const IMAGE = { image: { repository: 'registry.example.com/larder', tag: 'v1' } };

/** Differences between the charts, with any values. */
const DIFFERENCES: readonly (readonly [path: RegExp, why: string])[] = [
  [/\.args\[(?:extension|admission)\]:/, 'one image has both programs'],
  [/\.args\[--(?:disable-webhooks|hand-back)\]:/, 'values of its own'],
  [
    /managedresources#extension-registry-cache-(?:operator|shoot)\]:/,
    'a shoot that is configured from inside',
  ],
  [/\.env\[LARDER_IMAGE\]\./, 'no place of an image is built in, so shoots get the one of the program'],
  [/\[certificate\]\./, 'the program writes its certificate, and the root file system is read-only'],
  [/\.readOnlyRootFilesystem:/, 'narrower'],
  [/\.template\.spec\.securityContext\./, 'the profile "restricted" of Pod security'],
  [/\.enableServiceLinks:/, 'no variables for other Services'],
  [/Probe\.(?:timeoutSeconds|initialDelaySeconds):/, 'a busy node answers late'],
  [/^(?:ConfigMap|PodDisruptionBudget)\/.*\.metadata\.labels\./, 'all objects have the same labels'],
  [/\.resources\.requests\.memory: "128Mi" instead of "64Mi"/, 'Node.js'],
  [/\.minAllowed\.memory: "96Mi" instead of "(?:32|64)Mi"/, 'Node.js'],
  [/\.annotations\.checksum\//, 'another sum of the same text'],
  [/\.automountServiceAccountToken:/, 'the leader lease is in the cluster that the program runs in'],
];

/** Values of the Go charts, each set to something that is not the default. */
const VALUES: Readonly<Record<keyof typeof CHARTS, readonly object[]>> = {
  controller: [
    { image: { ...IMAGE.image, tag: 'sha256:abc' } },
    { image: { ref: 'elsewhere.example.com/larder:2' } },
    { image: { ...IMAGE.image, pullPolicy: 'Always' } },
    { replicaCount: 3 },
    { metrics: { enableScraping: false } },
    { metrics: { port: 9090 } },
    { resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } } },
    { vpa: { enabled: false } },
    { vpa: { resourcePolicy: { minAllowed: { memory: '200Mi' }, maxAllowed: { memory: '4Gi' } } } },
    { vpa: { resourcePolicy: { controlledValues: 'RequestsAndLimits' } } },
    { vpa: { updatePolicy: { updateMode: 'Initial' } } },
    { healthPort: 9091 },
    { controllers: { extension: { concurrentSyncs: 9 } } },
    { controllers: { heartbeat: { renewIntervalSeconds: 15 } } },
    { controllers: { ignoreOperationAnnotation: true } },
    { webhookConfig: { servicePort: 8443 } },
    { webhookConfig: { serverPort: 9443 } },
    { disableControllers: ['registry-mirror-controller', 'heartbeat'] },
    { imageVectorOverwrite: { images: [{ name: 'registry', repository: 'r.example.com/x', tag: 'v2' }] } },
    { gardener: { version: 'v1.147.1', seed: { name: 'aws' }, gardenlet: { featureGates: { One: true } } } },
  ],
  runtime: [
    { image: { ...IMAGE.image, tag: 'sha256:abc' } },
    { image: { ref: 'elsewhere.example.com/larder:2' } },
    { image: { ...IMAGE.image, pullPolicy: 'Always' } },
    { replicaCount: 2 },
    { resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } } },
    { metricsPort: 9090 },
    { healthPort: 9091 },
    { vpa: { enabled: false } },
    { vpa: { resourcePolicy: { minAllowed: { memory: '200Mi' }, maxAllowed: { memory: '4Gi' } } } },
    { vpa: { resourcePolicy: { controlledValues: 'RequestsAndLimits' } } },
    { vpa: { updatePolicy: { updateMode: 'Initial' } } },
    { webhookConfig: { servicePort: 8443 } },
    { webhookConfig: { serverPort: 9443 } },
    { kubeconfig: 'apiVersion: v1\nkind: Config\n' },
    {
      projectedKubeconfig: {
        baseMountPath: '/var/run/secrets/gardener.cloud',
        genericKubeconfigSecretName: 'generic-token-kubeconfig',
        tokenSecretName: 'access-registry-cache-admission',
      },
    },
    { service: { topologyAwareRouting: { enabled: true } } },
    { gardener: { virtualCluster: { enabled: true, namespace: 'extension-extension-registry-cache' } } },
    { gardener: { runtimeCluster: { priorityClassName: 'gardener-garden-system-400' } } },
  ],
  application: [
    { gardener: { virtualCluster: { serviceAccount: { name: 'admission', namespace: 'kube-system' } } } },
  ],
};

const VPA_CRD = 'example/seed-crds/10-crd-autoscaling.k8s.io_verticalpodautoscalers.yaml';
const EXTENSION_CRD = 'example/operator/10-crd-operator.gardener.cloud_extensions.yaml';

const KINDS =
  'deployment,service,serviceaccount,poddisruptionbudget,configmap,role,rolebinding,clusterrole,clusterrolebinding';

interface Installed {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string };
}

interface Both {
  readonly ours: FlatObjects;
  readonly theirs: FlatObjects;
}

const go = requireGo();

describe('beside the files of the Go extension', go.skip === false ? requireParts(['helm']) : go, () => {
  const own = tempDir();
  after(() => own[Symbol.dispose]());
  let extension: string;
  let helm: Helm;

  before(async () => {
    extension = await goModule('extension');
    helm = createHelm({ home: own.path });
  });

  const rendered = new Map<string, Promise<Both>>();
  /** Renders Larder's chart and the Go one with these values, once for all tests. */
  const renderBoth = (chart: keyof typeof CHARTS, values: object): Promise<Both> => {
    const render = async () => ({
      ours: await renderFlat(helm, CHARTS[chart], { ...IMAGE, ...values }),
      theirs: await renderFlat(helm, join(extension, 'charts', GO_CHARTS[chart]), { ...IMAGE, ...values }),
    });
    const name = `${chart} ${JSON.stringify(values)}`;
    const both = rendered.get(name) ?? render();
    rendered.set(name, both);
    return both;
  };

  for (const chart of ['controller', 'runtime', 'application'] as const) {
    test(`the chart ${chart} makes the same objects from each value, but for what is listed`, async () => {
      const defaults = (await renderBoth(chart, {})).theirs;
      for (const values of [{}, ...VALUES[chart]]) {
        const { ours, theirs } = await renderBoth(chart, values);
        const name = JSON.stringify(values);
        assert.deepEqual(
          differencesOf(ours, theirs).filter((line) => !DIFFERENCES.some(([path]) => path.test(line))),
          [],
          name,
        );
        if (name !== '{}') assert.notDeepEqual(theirs, defaults, `${name} has an effect`);
      }
    });

    test(`the table has each value of the chart ${chart}, and Larder's has it too`, () => {
      const valuesOf = (path: string): unknown => parse(readFileSync(join(path, 'values.yaml'), 'utf8'));
      const own = valuePaths(valuesOf(CHARTS[chart]));
      const tested = [IMAGE, ...VALUES[chart]].flatMap((values) => valuePaths(values));
      for (const path of valuePaths(valuesOf(join(extension, 'charts', GO_CHARTS[chart])))) {
        const covers = (other: string) => other === path || other.startsWith(`${path}.`);
        assert.ok(own.some(covers), `${path} in values.yaml`);
        assert.ok(tested.some(covers), `${path} in the table`);
      }
    });
  }

  test('each listed difference is one', async () => {
    const found: string[] = [];
    for (const chart of ['controller', 'runtime'] as const)
      for (const values of [{}, ...VALUES[chart]]) {
        const { ours, theirs } = await renderBoth(chart, values);
        found.push(...differencesOf(ours, theirs));
      }
    for (const [path, why] of DIFFERENCES)
      assert.ok(
        found.some((line) => path.test(line)),
        why,
      );
  });

  test('a metrics port of 0, of which the Go chart makes an invalid Service, turns metrics off', async () => {
    const { ours, theirs } = await renderBoth('controller', { metrics: { port: 0 } });
    const serviceOf = (objects: FlatObjects) =>
      [...objects].filter(([path]) => /^Service\/.*\.port$/.test(path)).map(([, port]) => port);
    assert.deepEqual([serviceOf(ours), serviceOf(theirs)], [[443], [0, 443]]);
  });

  const manifests = (name: string) => ({
    ours: flatObjects(readFileSync(deployed(name), 'utf8')),
    theirs: flatObjects(readFileSync(join(extension, 'example', name), 'utf8')),
  });

  test('the Extension for gardener-operator differs by the references to the charts, whose names stay', () => {
    const { ours, theirs } = manifests('extension.yaml');
    const different = [...ours.keys()].filter((path) => ours.get(path) !== theirs.get(path));
    assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
    assert.equal(different.length, 3);
    for (const path of different) {
      assert.match(path, /\.helm\.ociRepository\.ref$/);
      const nameOf = (reference: unknown) => /\/(charts\/.*):[^:]*$/.exec(String(reference))?.[1];
      assert.equal(nameOf(ours.get(path)), nameOf(theirs.get(path)));
    }
  });

  test('ControllerRegistration and ControllerDeployment differ by the chart, which is no longer inline', () => {
    const { ours, theirs } = manifests('controller-registration.yaml');
    const helmOf = (key: string) => `ControllerDeployment/extension-registry-cache.helm.${key}`;
    const keys = differencesOf(ours, theirs).map((line) => line.split(': ', 1)[0]);
    // Without the chart, the tag in its values is that of no image.
    assert.deepEqual(keys, ['ociRepository.ref', 'rawChart', 'values.image.tag'].map(helmOf));
  });
});

describe('at a real API server', go.skip === false ? requireParts([...GROUPS.api, 'helm']) : go, () => {
  const resources = new AsyncDisposableStack();
  after(() => resources.disposeAsync());
  const own = resources.use(tempDir());
  let api: ApiServer;
  let helm: Helm;

  before(async () => {
    api = resources.use(await startApiServer());
    helm = createHelm({ home: own.path, kubeconfig: api.kubeconfig });
    await api.kubectl('create', 'namespace', 'garden');
    for (const crd of [VPA_CRD, EXTENSION_CRD])
      await api.kubectl('create', '--filename', join(await goModule('gardener'), crd));
    await api.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  });

  /** Uids of the objects of a release, by kind and name. */
  const objectsOf = async (release: string) => {
    const label = `--selector=app.kubernetes.io/instance=${release}`;
    const { items } = await api.kubectl.json<{ items: Installed[] }>(KINDS, '--namespace=garden', label);
    return Object.fromEntries(items.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.uid]));
  };

  for (const chart of ['controller', 'runtime', 'application'] as const)
    test(`the chart ${chart} is put in the place of the Go one and back, without an object that is made anew`, async () => {
      const charts = join(await goModule('extension'), 'charts', GO_CHARTS[chart]);
      const values = `--values=${own.write(`${chart}.json`, JSON.stringify(IMAGE))}`;
      const install = async (path: string) => {
        await helm('upgrade', '--install', chart, path, '--namespace=garden', values);
        return objectsOf(chart);
      };
      const before = await install(charts);
      assert.ok(Object.keys(before).length >= 3);
      assert.partialDeepStrictEqual(await install(CHARTS[chart]), before);
      assert.partialDeepStrictEqual(await install(charts), before);
      await helm('uninstall', chart, '--namespace=garden');
    });

  test("gardener-operator's CRD takes the Extension, and would refuse a field that is not there", async () => {
    const file = deployed('extension.yaml');
    const wrong = readFileSync(file, 'utf8').replace('virtualCluster:', 'virtualGarden:');
    const create = (name: string) => api.kubectl('create', '--validate=strict', '--filename', name);
    // The schema is published a moment after the CRD.
    await waitFor(() => create(file), { what: 'the Extension' });
    await assert.rejects(create(own.write('wrong.yaml', wrong)), /unknown field .*virtualGarden/);
  });
});

function deployed(name: string): string {
  return fileURLToPath(new URL(`../../deploy/gardener/${name}`, import.meta.url));
}
