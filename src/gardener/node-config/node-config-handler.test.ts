import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { askInProcess } from '../../../test/gardener/in-process-webhooks.ts';
import { osConfigOf, playOsc, type OscStep } from '../../../test/gardener/play-osc.ts';
import { baseShoot } from '../../../test/gardener/recorded-admission.ts';
import { forever } from '../../../test/kube/client.ts';
import { mergePatched } from '../../../test/kube/merge-patch.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeObject, MergePatch, ObjectKey, Resource } from '../../kube/types.ts';
import { cacheHook } from './cache-hook.ts';
import { nodeConfigHandler } from './node-config-handler.ts';

const NAMESPACE = 'shoot--p--one';
const STATUS = {
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryStatus',
  caches: [{ upstream: 'ghcr.io', endpoint: 'http://10.4.0.12:5000', remoteURL: 'https://ghcr.io' }],
};

const REQUEST = {
  uid: '',
  kind: { group: 'extensions.gardener.cloud', version: 'v1alpha1', kind: 'OperatingSystemConfig' },
  operation: 'UPDATE',
  name: 'x',
  object: osConfigOf({}, NAMESPACE),
  oldObject: undefined,
  text: '',
};

/** A seed with one shoot, which counts reads. */
function seed({
  shoot = {},
  providerStatus = STATUS,
}: { shoot?: MergePatch; providerStatus?: unknown } = {}) {
  const objects: Readonly<Record<string, object>> = {
    Cluster: { metadata: { name: NAMESPACE }, spec: { shoot: mergePatched(baseShoot(), shoot) } },
    Extension: { metadata: { namespace: NAMESPACE, name: 'registry-cache' }, status: { providerStatus } },
  };
  const reads: string[] = [];
  const failing = new Map<string, Error>();
  const client = {
    async get<T extends KubeObject>({ kind }: Resource<T>, { name }: ObjectKey): Promise<T> {
      reads.push(`${kind} ${name}`);
      await Promise.resolve();
      const failure = failing.get(kind);
      if (failure !== undefined) throw failure;
      if (objects[kind] === undefined || !['registry-cache', NAMESPACE].includes(name)) {
        const serverMessage = `${kind.toLowerCase()}s "${name}" not found`;
        throw new KubeError('get failed', { httpStatus: 404, reason: 'NotFound', serverMessage });
      }
      return objects[kind] as T;
    },
  };
  return { client, reads, failing };
}

/** Answer of the webhook of caches about a step: a message, or the changes. */
async function answerTo(
  { client }: Pick<ReturnType<typeof seed>, 'client'>,
  step: OscStep,
): Promise<{ readonly code: number; readonly message?: string; readonly changes?: object }> {
  const place = {
    ask: askInProcess(client),
    namespace: NAMESPACE,
    described: String,
    masked: (value: unknown) => value,
  };
  const { webhooks } = (await playOsc(place, { webhook: 'registry-cache', ...step })) as {
    readonly webhooks: Readonly<Record<string, { code: number; message?: string; changes?: object }>>;
  };
  return webhooks['registry-cache'] ?? { code: 0 };
}

const messageTo = async (step: OscStep, at = seed()): Promise<string | undefined> =>
  (await answerTo(at, step)).message;

const kubelet = (data: string, encoding = '') => ({
  path: '/var/lib/kubelet/config/kubelet',
  content: { inline: { encoding, data } },
});
const withFile = (file: object): OscStep => ({ osc: { spec: { files: [file] } } });

describe('a configuration of nodes', () => {
  test('keeps fields of the kubelet that no version of this program knows', async () => {
    const config = [
      'kind: KubeletConfiguration',
      'imagePullCredentialsVerificationPolicy: AlwaysVerify',
      'preloadedImagesVerificationAllowlist: [registry.k8s.io/pause]',
      'aFieldOfNextYear: {a: [1]}',
    ].join('\n');
    const { changes } = await answerTo(
      seed(),
      withFile(kubelet(Buffer.from(config).toString('base64'), 'b64')),
    );
    assert.deepEqual(Object.keys(changes ?? {}), ['criConfig']);
  });

  test('needs two reads, and none if it is for another purpose or about to be deleted', async () => {
    const one = seed();
    assert.ok((await answerTo(one, {})).changes);
    assert.deepEqual(one.reads, [`Cluster ${NAMESPACE}`, 'Extension registry-cache']);
    for (const osc of [
      { spec: { purpose: 'provision' } },
      { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    ]) {
      const other = seed();
      assert.deepEqual(Object.keys(await answerTo(other, { osc })).includes('changes'), false);
      assert.deepEqual(other.reads, []);
    }
  });

  test('is denied with code 400 if it cannot be read, also the one before', async () => {
    const broken = { spec: { files: 'x' } };
    const text =
      'json: cannot unmarshal string into Go struct field OperatingSystemConfigSpec.spec.files of type []v1alpha1.File';
    for (const [step, message] of [
      [{ osc: broken }, `could not decode request <...>: ${text}`],
      [{ old: broken }, `could not decode old object <...>: ${text}`],
      [{ kind: { group: '', version: 'v1', kind: 'Pod' } }, 'unexpected request kind /v1, Kind=Pod'],
      [
        { kind: { ...REQUEST.kind, version: 'v1' } },
        'unexpected request kind extensions.gardener.cloud/v1, Kind=OperatingSystemConfig',
      ],
    ] as const) {
      const { code, message: found } = await answerTo(seed(), step);
      assert.deepEqual([code, found], [400, message]);
    }
  });

  test('is denied if unit, kubelet or kernel settings cannot be read, in the words of the Go extension', async () => {
    const unit = (content: string) =>
      ({ spec: { units: [{ name: 'kubelet.service', content }] } }) as unknown as MergePatch;
    const kubeletWords = 'could not decode kubelet configuration: could not decode kubelet config';
    const kernel = (data: string) => ({
      path: '/etc/sysctl.d/99-k8s-general.conf',
      content: { inline: { encoding: 'b64', data } },
    });
    for (const [step, message] of [
      [
        { osc: unit('[Unit') },
        'could not deserialize kubelet.service unit content: unable to find end of section',
      ],
      [
        { old: unit('[Unit') },
        'could not deserialize old kubelet.service unit content: unable to find end of section',
      ],
      [
        withFile(kubelet('?', 'b64')),
        `${kubeletWords} file content data: could not decode data using file codec: illegal base64 data at input byte 0`,
      ],
      [
        withFile(kubelet('', 'gzip')),
        `${kubeletWords} file content data: could not parse file codec ID 'gzip': invalid file codec id "gzip"`,
      ],
      [
        withFile(kubelet('kind: Pod\napiVersion: v1')),
        `${kubeletWords}uration from YAML: no kind "Pod" is registered for version "v1" here`,
      ],
      [withFile(kubelet('- a')), `${kubeletWords}uration from YAML: expected a map`],
      [
        withFile(kernel('YQ')),
        'could not decode kubernetes general configuration: could not decode data using file codec: illegal base64 data at input byte 2',
      ],
    ] as const)
      assert.equal(await messageTo(step), message);
    assert.match((await messageTo(withFile(kubelet('{{{')))) ?? '', /from YAML: yaml: line 1, column/);
    for (const content of [
      '',
      '---\na: b\n---\n- c',
      'a: b\na: c',
      'kind: KubeletConfiguration',
      'apiVersion: kubelet.config.k8s.io/v1beta1',
    ])
      assert.equal(await messageTo(withFile(kubelet(content))), undefined, content);
  });

  test('is denied for a kubelet of another kind behind comments, directives and empty lines', async () => {
    for (const before of ['# c\n', '%YAML 1.1\n', '\n \n']) {
      const message = await messageTo(withFile(kubelet(`${before}---\nkind: Other\napiVersion: v1\n`)));
      assert.match(message ?? '', /no kind "Other" is registered for version "v1"/, before);
    }
  });

  test('is denied if a version that counts for its pool is none', async () => {
    const workers = (version: string) => ({
      spec: { provider: { workers: [{ name: 'local', kubernetes: { version } }] } },
    });
    const messageFor = (shoot: object, step: OscStep = {}) =>
      messageTo(step, seed({ shoot: shoot as MergePatch }));
    const other = { osc: { metadata: { labels: { 'worker.gardener.cloud/pool': 'other' } } } };
    assert.equal(await messageFor({ spec: { kubernetes: { version: 'x' } } }), 'invalid semantic version');
    assert.equal(
      await messageFor({ spec: { kubernetes: { version: '1.34.4-01' } } }),
      'version segment starts with 0',
    );
    assert.equal(await messageFor(workers('1.x')), 'invalid semantic version');
    assert.equal(await messageFor(workers('1'.repeat(257))), 'version string is too long (max 256 bytes)');
    const large = '18446744073709551616';
    assert.equal(
      await messageFor(workers(`v1.${large}-a`)),
      `error parsing version segment: strconv.ParseUint: parsing "${large}": value out of range`,
    );
    assert.equal(await messageFor(workers('1.18446744073709551615')), undefined);
    assert.equal(await messageFor(workers('1.x'), other), undefined);
    for (const version of ['v1.34', '1', '01.2.3', '1.34.4-alpha.0+x.1'])
      assert.equal(await messageFor(workers(version)), undefined, version);
  });

  test('is denied with the words of the API server if a read fails, and with code 500 if the program does', async () => {
    const at = seed();
    at.failing.set(
      'Extension',
      new KubeError('get failed', {
        httpStatus: 403,
        reason: 'Forbidden',
        serverMessage: 'extensions "x" is forbidden',
      }),
    );
    const { code, message } = await answerTo(at, {});
    assert.equal(code, 403);
    assert.equal(
      message,
      `failed to get extension '${NAMESPACE}/registry-cache': extensions "x" is forbidden`,
    );
    const bug = () => Promise.reject(new TypeError('a bug'));
    await assert.rejects(nodeConfigHandler(seed(), bug)(REQUEST, forever().signal), TypeError);
  });

  test('of a namespace without Cluster, and of a Cluster that cannot be read, is denied', async () => {
    const missing =
      'could not get cluster for namespace \'other\': Cluster.extensions.gardener.cloud "other" not found';
    assert.equal(await messageTo({ namespace: 'other' }), missing);
    assert.equal(
      await messageTo({}, seed({ shoot: { spec: { hibernation: { enabled: 'x' } } } })),
      `could not get cluster for namespace '${NAMESPACE}': json: cannot unmarshal string into Go struct field ` +
        'Hibernation.spec.hibernation.enabled of type bool',
    );
  });

  test('is not answered once nobody waits any more', async () => {
    const { client, failing } = seed();
    const gone = new AbortController();
    failing.set('Cluster', new KubeError('aborted', { httpStatus: undefined, reason: 'Unreachable' }));
    gone.abort(new Error('gone'));
    await assert.rejects(nodeConfigHandler({ client }, cacheHook)(REQUEST, gone.signal), /gone/);
  });
});

test('the status of an Extension that is no status denies, and one without a version is empty', async () => {
  for (const [providerStatus, message] of [
    [
      { ...STATUS, kind: 'RegistryConfig' },
      /^failed to decode providerStatus of extension .*: no kind "RegistryConfig" is registered/,
    ],
    [{ ...STATUS, apiVersion: 'x/v1' }, /^failed to decode providerStatus .* for version "x\/v1"/],
    [
      { ...STATUS, caches: 'x' },
      /: json: cannot unmarshal string into Go struct field RegistryStatus.caches/,
    ],
    [
      { ...STATUS, caSecretName: 'gone' },
      /^failed to get CA bundle secret '.*\/gone': secrets "gone" not found$/,
    ],
    [null, /does not have a .status.providerStatus specified$/],
  ] as const)
    assert.match((await messageTo({}, seed({ providerStatus }))) ?? '', message);
  for (const providerStatus of [
    {},
    { caches: STATUS.caches },
    { kind: 'RegistryStatus', caches: STATUS.caches },
  ])
    assert.deepEqual(await answerTo(seed({ providerStatus }), {}), {
      httpStatus: 200,
      allowed: true,
      code: 200,
      message: undefined,
      patchType: undefined,
    });
  const { changes } = await answerTo(seed({ providerStatus: { ...STATUS, kind: '', more: 1 } }), {});
  assert.ok(changes);
});
