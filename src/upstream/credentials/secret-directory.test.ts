import assert from 'node:assert/strict';
import {
  mkdtempSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import { ManualClock } from '../../kit/clock.ts';
import { createLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareUpstreamMetrics } from '../metrics.ts';
import { TaskGroup } from '../../kit/task-group.ts';
import { passwordCredential } from './credential.ts';
import { createSecretDirectory, type SecretSettings } from './secret-directory.ts';
import { createSecretFiles } from './secret-files.ts';

/** A directory of secrets below a temporary one, with a reader on a manual clock. */
async function openSecrets(files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'larder-secrets-'));
  const path = join(root, 'secrets');
  const write = (name: string, content: string): void => {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
  };
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) write(name, content);
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json' }, (line) => lines.push(line));
  const metrics = declareUpstreamMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(logger);
  const secretFiles = await createSecretFiles(path, { clock, logger, tasks });
  const secrets = createSecretDirectory({ logger, metrics }, secretFiles);
  return {
    root,
    path,
    clock,
    secrets,
    lines,
    write,
    missing: async () => (await metrics.secretsMissing.get()).values.map(({ value }) => value),
    /** Resolves when the files were read again: the reader then waits for its next turn. */
    async next() {
      clock.advance(2_000);
      while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    },
    async [Symbol.asyncDispose]() {
      await tasks.close();
      rmSync(root, { recursive: true });
    },
  };
}

function settings(parts: Partial<SecretSettings>): SecretSettings {
  return {
    upstream: 'r.example',
    remoteURL: 'https://r.example',
    caBundleSecretReferenceName: undefined,
    ...parts,
  };
}

const LOGIN = { 'login/username': 'u', 'login/password': 'p' };

describe('the secret directory', () => {
  it('gives username and password without the line break at the end of their files, and otherwise unchanged', async () => {
    await using opened = await openSecrets({ 'login/username': 'u\n', 'login/password': ' p \r\n' });
    const credential = opened.secrets.open(settings({})).credentialOf('login');
    assert.deepEqual(credential(), passwordCredential('u', ' p '));
  });

  it('finds secrets in files called <name>.<key>, with any dots in the names', async () => {
    const content = JSON.stringify({ auths: { 'r.example': { username: 'd', password: 'p' } } });
    await using opened = await openSecrets({
      'login.username': 'u',
      'login.password': 'p',
      'a.username..dockerconfigjson': content,
      '..data/login.username': 'of an older version',
      'b/username': 'of a directory',
      'b/password': 'p',
      'b.username': 'of a file',
    });
    const secrets = opened.secrets.open(settings({}));
    assert.deepEqual(secrets.credentialOf('login')(), passwordCredential('u', 'p'));
    assert.deepEqual(secrets.credentialOf('a.username')(), passwordCredential('d', 'p'));
    assert.deepEqual(secrets.credentialOf('b')(), passwordCredential('of a directory', 'p'));
    for (const name of ['a', '.', '..', '..data', '']) assert.equal(secrets.credentialOf(name)(), undefined);
    opened.write('login.password', 'next');
    await opened.next();
    assert.deepEqual(secrets.credentialOf('login')(), passwordCredential('u', 'next'));
  });

  it('gives the login of a Docker configuration', async () => {
    const content = JSON.stringify({ auths: { 'r.example': { username: 'u', password: 'p' } } });
    await using opened = await openSecrets({ 'login/.dockerconfigjson': content });
    const credential = opened.secrets.open(settings({})).credentialOf('login');
    assert.deepEqual(credential(), passwordCredential('u', 'p'));
  });

  it('goes without a missing secret, warns once, sets the gauge, and uses the secret once it is there', async () => {
    await using opened = await openSecrets({});
    const credential = opened.secrets.open(settings({})).credentialOf('login');
    for (const _ of [1, 2, 3]) assert.equal(credential(), undefined);
    assert.equal(opened.lines.filter((line) => line.includes('"level":"warn"')).length, 1);
    assert.deepEqual(await opened.missing(), [1]);
    for (const [name, content] of Object.entries(LOGIN)) opened.write(name, content);
    await opened.next();
    assert.deepEqual(credential(), passwordCredential('u', 'p'));
    assert.deepEqual(await opened.missing(), [0]);
  });

  it('notices a secret that appears or disappears, without any request', async () => {
    await using opened = await openSecrets({});
    const read: unknown[] = [];
    const secrets = opened.secrets.open(settings({}));
    secrets.credentialOf('login', (credential) => read.push(credential?.credentialId));
    assert.deepEqual(await opened.missing(), [1]);
    for (const [name, content] of Object.entries(LOGIN)) opened.write(name, content);
    await opened.next();
    assert.deepEqual(await opened.missing(), [0]);
    rmSync(join(opened.path, 'login'), { recursive: true });
    await opened.next();
    assert.deepEqual(await opened.missing(), [1]);
    assert.deepEqual(read, [undefined, passwordCredential('u', 'p').credentialId, undefined]);
    secrets.close();
    assert.deepEqual(await opened.missing(), []);
  });

  it('reports for the current configuration, not for a previous one whose requests are ending', async () => {
    await using opened = await openSecrets(LOGIN);
    const before = opened.secrets.open(settings({}));
    const missing = before.credentialOf('other');
    assert.deepEqual(await opened.missing(), [1]);
    opened.secrets.open(settings({})).credentialOf('login');
    missing();
    before.close();
    assert.deepEqual(await opened.missing(), [0]);
  });

  it('sees a file that was replaced by rename', async () => {
    await using opened = await openSecrets(LOGIN);
    const credential = opened.secrets.open(settings({})).credentialOf('login');
    opened.write('login/.new', 'next');
    renameSync(join(opened.path, 'login/.new'), join(opened.path, 'login/password'));
    assert.deepEqual(credential(), passwordCredential('u', 'p'));
    await opened.next();
    assert.deepEqual(credential(), passwordCredential('u', 'next'));
  });

  it("sees the swap of Kubernetes' ..data link", async () => {
    await using opened = await openSecrets({
      'login/..v1/username': 'u',
      'login/..v1/password': 'one',
      'login/..v2/username': 'u',
      'login/..v2/password': 'two',
    });
    const mount = join(opened.path, 'login');
    symlinkSync('..v1', join(mount, '..data'));
    for (const key of ['username', 'password']) symlinkSync(`..data/${key}`, join(mount, key));
    await opened.next();
    const credential = opened.secrets.open(settings({})).credentialOf('login');
    assert.deepEqual(credential(), passwordCredential('u', 'one'));
    symlinkSync('..v2', join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    await opened.next();
    assert.deepEqual(credential(), passwordCredential('u', 'two'));
  });

  it('is read again after a refusal, at most five times a second', async () => {
    await using opened = await openSecrets(LOGIN);
    const credential = opened.secrets.open(settings({})).credentialOf('login');
    opened.clock.advance(200);
    opened.write('login/password', 'two');
    await opened.secrets.refresh();
    assert.deepEqual(credential(), passwordCredential('u', 'two'));
    opened.write('login/password', 'three');
    const refreshes = Promise.all([opened.secrets.refresh(), opened.secrets.refresh()]);
    opened.clock.advance(199);
    assert.deepEqual(credential(), passwordCredential('u', 'two'));
    opened.clock.advance(1);
    await refreshes;
    assert.deepEqual(credential(), passwordCredential('u', 'three'));
  });

  it('reads nothing outside the directory, whatever a secret is called', async () => {
    await using opened = await openSecrets(LOGIN);
    mkdirSync(join(opened.root, 'outside'));
    for (const key of ['username', 'password']) writeFileSync(join(opened.root, 'outside', key), 'x');
    await opened.next();
    for (const name of ['../outside', '..', '.', '', '/etc', 'login/../../outside', '__proto__']) {
      assert.equal(opened.secrets.open(settings({})).credentialOf(name)(), undefined, name);
    }
  });

  it('gives the certificates of a CA bundle, and none of a damaged one', async () => {
    const [good = ''] = rootCertificates;
    await using opened = await openSecrets({
      'ca/bundle.crt': good,
      'bad/bundle.crt': `${good}\n${good.replace('MII', 'XXX')}`,
    });
    const bundle = (name: string) =>
      opened.secrets.open(settings({ caBundleSecretReferenceName: name })).caBundle()();
    assert.equal(bundle('ca'), readFileSync(join(opened.path, 'ca/bundle.crt'), 'utf8'));
    assert.equal(bundle('bad'), undefined);
    assert.equal(opened.secrets.open(settings({})).caBundle()(), undefined);
  });

  it('adds the certificates that all caches trust, and goes on with its own when those are damaged', async () => {
    const [own = '', shared = ''] = rootCertificates;
    await using opened = await openSecrets({ 'ca/bundle.crt': own });
    const named = opened.secrets.open(settings({ caBundleSecretReferenceName: 'ca' })).caBundle();
    const unnamed = opened.secrets.open(settings({})).caBundle();
    const trust = async (content: string) => {
      writeFileSync(join(opened.path, '_trusted.bundle.crt'), content);
      await opened.next();
      return [named(), unnamed()];
    };
    const ownText = readFileSync(join(opened.path, 'ca/bundle.crt'), 'utf8');
    assert.deepEqual(await trust(shared), [`${ownText.trimEnd()}\n${shared}`, shared]);
    assert.deepEqual(await trust('damaged'), [ownText, undefined]);
    assert.deepEqual(opened.lines, []);
  });

  it('says that --secrets is missing when a secret is needed', async () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', format: 'json' }, (line) => lines.push(line));
    const metrics = declareUpstreamMetrics(createMetricsRegistry());
    const secrets = createSecretDirectory({ logger, metrics }, undefined);
    assert.equal(secrets.open(settings({})).credentialOf('login')(), undefined);
    assert.match(lines.join(''), /without --secrets/);
  });

  it('never writes a secret into its log', async () => {
    await using opened = await openSecrets({
      'one/username': 'hush',
      'two/.dockerconfigjson': '{"hush":',
      'three/bundle.crt': 'hush',
    });
    for (const name of ['one', 'two']) opened.secrets.open(settings({})).credentialOf(name)();
    opened.secrets.open(settings({ caBundleSecretReferenceName: 'three' })).caBundle()();
    assert.equal(opened.lines.length, 3);
    assert.doesNotMatch(opened.lines.join(''), /hush/);
  });
});
