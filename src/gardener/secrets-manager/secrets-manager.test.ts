import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { FAST_CERTIFICATES } from '../../../test/gardener/fast-certificates.ts';
import { GO_AUTHORITY } from '../../../test/kube/go-authority.ts';
import { createMemoryKube, type ClientOptions, type MemoryKube } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import type { CertificateFactory } from '../../kube/certificates/certificate-factory.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { AUTHORITY_CHECKSUMS, signingChecksum } from './checksums.ts';
import { managedSecretObject, serverPair, type ImmutableSecret } from './managed-secret.ts';
import type { AuthorityConfig, ServerConfig } from './secret-plan.ts';
import { createSecretsManager, type SecretsManager } from './secrets-manager.ts';

const DAY = 24 * 3600_000;
const START = Date.parse('2026-06-01T12:00:00Z');
const NAMESPACE = 'garden';
const IDENTITY = 'gardener-extension-registry-cache-admission-webhook';
const { signal } = new AbortController();

const AUTHORITY = {
  name: 'ca-registry-cache-admission-webhook',
  checksum: AUTHORITY_CHECKSUMS['ca-registry-cache-admission-webhook'],
  lifetime: { days: 30 },
  old: { forMs: DAY },
} as const satisfies AuthorityConfig;
const CA_NAME = 'ca-registry-cache-admission-webhook-39ba4864';
const SERVER: ServerConfig = {
  name: 'registry-cache-admission-webhook-server',
  commonName: 'registry-cache-admission',
  names: ['hook.garden.svc', '127.0.0.1'],
  lifetime: { years: 10 },
};

class Setting {
  readonly clock = new ManualClock(START);
  readonly kube: MemoryKube = createMemoryKube(this.clock);
  readonly client = this.kube.client();

  manager(options: ClientOptions = {}, certificates: CertificateFactory | 'rsa' = FAST_CERTIFICATES) {
    const deps = { client: this.kube.client(options), clock: this.clock, logger: silentLogger };
    const identity = { namespace: NAMESPACE, identity: IDENTITY, rotatesAuthorities: true };
    return createSecretsManager(
      { ...deps, ...(certificates !== 'rsa' && { certificates }) },
      identity,
      signal,
    );
  }

  /** Runs a manager from start to end. */
  async run(manager: Promise<SecretsManager> = this.manager()) {
    const made = await manager;
    const authority = await made.authority(AUTHORITY);
    const server = await made.server(SERVER, authority.current);
    await made.cleanup();
    return { ...authority, server };
  }

  async secrets(): Promise<readonly ImmutableSecret[]> {
    return (await this.client.list(SECRETS, { namespace: NAMESPACE }, { signal })).items;
  }

  async names(): Promise<string[]> {
    return (await this.secrets()).map(({ metadata }) => metadata.name).toSorted();
  }

  get writes(): number {
    return this.kube.requests.filter(({ verb }) => verb !== 'get' && verb !== 'list').length;
  }
}

test('authority, bundle and server certificate are Secrets as the Go program makes them', async () => {
  const setting = new Setting();
  await setting.run(setting.manager({}, 'rsa'));
  const secrets = await setting.secrets();
  const issued = String(START / 1000 - 60);
  const common = {
    'managed-by': 'secrets-manager',
    'manager-identity': IDENTITY,
    'last-rotation-initiation-time': '',
  };
  const [authority, bundle, server] = secrets;
  assert.ok(authority && bundle && server && secrets.length === 3);
  assert.equal(authority.metadata.name, CA_NAME);
  assert.deepEqual(authority.metadata.labels, {
    ...common,
    name: AUTHORITY.name,
    'checksum-of-config': '13124548622732719454',
    'issued-at-time': issued,
    'valid-until-time': String((START + 30 * DAY) / 1000),
  });
  assert.match(bundle.metadata.name, /^ca-registry-cache-admission-webhook-bundle-[0-9a-f]{8}$/);
  const { 'checksum-of-config': bundleSum, ...bundleLabels } = bundle.metadata.labels ?? {};
  assert.match(bundleSum ?? '', /^\d+$/);
  assert.deepEqual(bundleLabels, {
    ...common,
    name: `${AUTHORITY.name}-bundle`,
    'bundle-for': AUTHORITY.name,
    'issued-at-time': String(START / 1000),
  });
  assert.match(server.metadata.name, /^registry-cache-admission-webhook-server-[0-9a-f]{8}$/);
  const { 'checksum-of-config': serverSum, ...serverLabels } = server.metadata.labels ?? {};
  assert.match(serverSum ?? '', /^\d+$/);
  assert.deepEqual(serverLabels, {
    ...common,
    name: SERVER.name,
    'checksum-of-signing-ca': signingChecksum(textOf(authority)),
    'issued-at-time': issued,
    'valid-until-time': String(Date.parse('2036-06-01T12:00:00Z') / 1000),
  });
  assert.deepEqual(
    secrets.map(({ type, immutable, data = {} }) => [type, immutable, Object.keys(data)]),
    [
      ['Opaque', true, ['ca.crt', 'ca.key']],
      ['Opaque', true, ['bundle.crt']],
      ['kubernetes.io/tls', true, ['tls.crt', 'tls.key']],
    ],
  );
  assert.equal(textOf(bundle)['bundle.crt'], textOf(authority)['ca.crt']);
  for (const [name, pem] of Object.entries({ ...textOf(authority), ...textOf(server) }))
    assert.match(pem, name.endsWith('.key') ? /^-----BEGIN RSA PRIVATE KEY-----\n[^]*-----\n$/ : /-----\n$/);
  assert.equal(certificateIn(authority, 'ca.crt').subject, `CN=${CA_NAME}`);
  const certificate = certificateIn(server, 'tls.crt');
  assert.equal(certificate.subject, 'CN=registry-cache-admission');
  assert.equal(certificate.subjectAltName, 'DNS:hook.garden.svc, IP Address:127.0.0.1');
  assert.ok(certificate.verify(certificateIn(authority, 'ca.crt').publicKey));
});

test('a second run writes nothing', async () => {
  const setting = new Setting();
  await setting.run();
  const before = await setting.secrets();
  const { writes } = setting;
  await setting.run();
  assert.equal(setting.writes, writes);
  assert.deepEqual(await setting.secrets(), before);
});

test('two replicas at the same time end with one authority and one server certificate', async () => {
  for (const days of [0, 21]) {
    const setting = new Setting();
    if (days > 0) await setting.run();
    setting.clock.advance(days * DAY);
    // Both find that a Secret is missing before either has created it.
    const barrier = meetings(2);
    const network: ClientOptions['network'] = ({ verb }) =>
      verb === 'create' ? barrier() : Promise.resolve();
    const [a, b] = await Promise.all([
      setting.run(setting.manager({ network })),
      setting.run(setting.manager({ network })),
    ]);
    assert.deepEqual(a.current, b.current);
    assert.deepEqual(a.server, b.server);
    assert.equal(a.certificates, b.certificates);
    assert.equal((await setting.names()).length, days === 0 ? 3 : 4);
  }
});

test('an authority is rotated with overlap, and the previous one is deleted a day later', async () => {
  const setting = new Setting();
  const first = await setting.run();
  setting.clock.advance(21 * DAY);
  const manager = await setting.manager();
  const authority = await manager.authority(AUTHORITY);
  assert.equal(authority.old?.name, CA_NAME);
  assert.match(authority.current.name, new RegExp(`^${CA_NAME}-[0-9a-f]{5}$`));
  assert.equal(
    authority.certificates,
    `${authority.current.data['ca.crt']}${first.current.data['ca.crt']}`,
    'the current one comes first',
  );
  assert.equal((await manager.server(SERVER, authority.old ?? authority.current)).name, first.server.name);
  const second = await setting.run();
  assert.equal(second.current.name, authority.current.name);
  assert.notEqual(second.server.name, first.server.name);
  setting.clock.advance(DAY);
  const third = await setting.run();
  assert.equal(third.certificates, authority.current.data['ca.crt']);
  assert.ok(!(await setting.names()).includes(CA_NAME));
});

test('a Secret that was deleted by hand is created again under the same name', async () => {
  const setting = new Setting();
  const first = await setting.run();
  for (const { name } of [first.server, first.bundle, first.current]) {
    await setting.client.delete(SECRETS, { namespace: NAMESPACE, name }, { signal });
    await setting.run();
    assert.ok((await setting.names()).includes(name), name);
  }
  const second = await setting.run();
  assert.notEqual(second.current.data['ca.crt'], first.current.data['ca.crt']);
  assert.notEqual(second.server.name, first.server.name, 'a new authority changes the name of what it signs');
  assert.equal((await setting.names()).length, 3);
});

test('labels and immutability that were changed by hand are put back, and other labels are removed', async () => {
  const setting = new Setting();
  const { server } = await setting.run();
  const key = { namespace: NAMESPACE, name: server.name };
  const before = await setting.client.get(SECRETS, key, { signal });
  const labels = { 'manager-identity': IDENTITY, 'managed-by': 'secrets-manager', name: 'other', team: 'a' };
  await setting.client.patch(
    SECRETS,
    key,
    [
      { op: 'replace', path: '/metadata/labels', value: labels },
      { op: 'replace', path: '/immutable', value: false },
    ],
    { signal },
  );
  await setting.run();
  const after = await setting.client.get<ImmutableSecret>(SECRETS, key, { signal });
  assert.deepEqual(after.metadata.labels, before.metadata.labels);
  assert.equal(after.immutable, true);
  await setting.client.patch(SECRETS, key, [{ op: 'remove', path: '/metadata/labels' }], { signal });
  await setting.run();
  assert.deepEqual(
    (await setting.client.get(SECRETS, key, { signal })).metadata.labels,
    before.metadata.labels,
  );
});

describe('Secrets that are there', () => {
  const labels = (name: string) => ({
    name,
    'managed-by': 'secrets-manager',
    'manager-identity': IDENTITY,
    'last-rotation-initiation-time': '',
    'issued-at-time': String(START / 1000),
    'valid-until-time': String((START + 30 * DAY) / 1000),
  });

  test('the authority of the Go program is used as it is, and its Secrets of other names are deleted', async () => {
    const setting = new Setting();
    const { certificate, key } = GO_AUTHORITY;
    const data = { 'ca.crt': certificate, 'ca.key': key };
    for (const [name, configName, content] of [
      [CA_NAME, AUTHORITY.name, data],
      [`${SERVER.name}-0123abcd`, SERVER.name, { 'tls.crt': 'x', 'tls.key': 'y' }],
      [`${AUTHORITY.name}-bundle-0123abcd`, `${AUTHORITY.name}-bundle`, { 'bundle.crt': certificate }],
    ] as const)
      await setting.client.create(
        SECRETS,
        managedSecretObject(NAMESPACE, name, labels(configName), content),
        {
          signal,
        },
      );
    const { current, server } = await setting.run(setting.manager({}, 'rsa'));
    assert.deepEqual(current.data, data);
    assert.ok(
      new X509Certificate(serverPair(server).certificate).verify(new X509Certificate(certificate).publicKey),
    );
    const names = await setting.names();
    assert.equal(names.length, 3);
    assert.ok(!names.some((name) => name.endsWith('0123abcd')));
  });

  test('a Secret of another identity under the same name is an error, and stays as it is', async () => {
    const setting = new Setting();
    const theirs = { ...labels(AUTHORITY.name), 'manager-identity': 'theirs' };
    const object = managedSecretObject(NAMESPACE, CA_NAME, theirs, { 'ca.crt': GO_AUTHORITY.certificate });
    await setting.client.create(SECRETS, object, { signal });
    await assert.rejects(
      setting.run(),
      /failed reconciling existing secret garden\/ca-.*: the Secret belongs to theirs$/,
    );
    assert.deepEqual((await setting.secrets())[0]?.metadata.labels, theirs);
  });

  test('content that is no certificate is an error that says so, and what to do', async () => {
    const setting = new Setting();
    const object = managedSecretObject(NAMESPACE, CA_NAME, labels(AUTHORITY.name), {
      'ca.crt': 'x',
      'ca.key': 'y',
    });
    await setting.client.create(SECRETS, object, { signal });
    await assert.rejects(setting.run(), {
      code: 'TLS_FILES_INVALID',
      message: /is not a certificate$/,
      hint: 'delete the Secret, and another one is created',
    });
  });
});

test('a manager that made nothing deletes all Secrets of its identity, and no others', async () => {
  const setting = new Setting();
  await setting.run();
  const other = managedSecretObject(NAMESPACE, 'other', { 'managed-by': 'secrets-manager' }, { a: 'b' });
  await setting.client.create(SECRETS, other, { signal });
  await (await setting.manager()).cleanup();
  assert.deepEqual(await setting.names(), ['other']);
});

test('a cleanup spares Secrets that another replica has created meanwhile', async () => {
  const setting = new Setting();
  const { server } = await setting.run();
  const manager = await setting.manager();
  await setting.client.delete(SECRETS, { namespace: NAMESPACE, name: server.name }, { signal });
  await setting.run();
  await manager.cleanup();
  assert.deepEqual(await setting.names(), [server.name], 'the one that was created again');
});

test('a missing namespace is reported in the words of the Go program', async () => {
  const setting = new Setting();
  const network: ClientOptions['network'] = ({ verb }) =>
    verb === 'create'
      ? Promise.reject(new KubeError('refused', { httpStatus: 404, reason: 'NotFound' }))
      : Promise.resolve();
  await assert.rejects(setting.run(setting.manager({ network })), {
    message:
      `failed generating and creating new secret garden/${CA_NAME} for config ${AUTHORITY.name}: ` +
      'failed creating new secret: namespaces "garden" not found',
  });
});

test('a Secret that disappears before it is put right is missed by its name, and not its namespace', async () => {
  const setting = new Setting();
  const { current } = await setting.run();
  const key = { namespace: NAMESPACE, name: current.name };
  await setting.client.patch(SECRETS, key, [{ op: 'add', path: '/metadata/labels/more', value: 'x' }], {
    signal,
  });
  const manager = await setting.manager();
  await setting.client.delete(SECRETS, key, { signal });
  await assert.rejects(manager.authority(AUTHORITY), ({ message }: Error) => {
    assert.match(message, /^failed reconciling existing secret garden\/ca-/);
    assert.doesNotMatch(message, /namespaces/);
    return true;
  });
  assert.equal((await setting.run()).current.name, current.name, 'the next run creates it again');
});

function textOf({ data = {} }: ImmutableSecret): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

function certificateIn(secret: ImmutableSecret, key: string): X509Certificate {
  return new X509Certificate(textOf(secret)[key] ?? '');
}

/** Returns a wait that ends when `parties` wait. */
function meetings(parties: number): () => Promise<void> {
  let waiting: (() => void)[] = [];
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length < parties) return;
      for (const go of waiting) go();
      waiting = [];
    });
}
