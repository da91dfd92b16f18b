import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { get, imageOf, indexOf, tempDir, type TestImage } from '../kit/index.ts';
import { needPart, requireParts } from '../parts/find.ts';
import { pushImage } from '../parts/push.ts';
import { run } from '../parts/run.ts';
import type { Registry, RegistryAuth } from '../parts/start-registry.ts';
import { clientHome, CLIENTS, pullWith, type Client } from './client-table.ts';
import { ACCOUNT, startSetting, UPSTREAMS, type Setting, type UpstreamPart } from './setting.ts';

const NEEDED = ['registry3', 'registry2', 'htpasswd', 'crane', 'skopeo', 'oras', 'regctl'] as const;

const CASES: readonly { title: string; auth: RegistryAuth; configuredSecret: boolean }[] = [
  { title: 'no authentication', auth: { kind: 'none' }, configuredSecret: false },
  {
    title: 'Basic and a configured secret',
    auth: { kind: 'basic', account: ACCOUNT },
    configuredSecret: true,
  },
  {
    title: 'tokens for anonymous callers',
    auth: { kind: 'token', account: ACCOUNT, publicPull: true },
    configuredSecret: false,
  },
  {
    title: 'tokens and a configured secret',
    auth: { kind: 'token', account: ACCOUNT, publicPull: false },
    configuredSecret: true,
  },
];

for (const { title, auth, configuredSecret } of CASES) {
  describe(`clients of upstreams with ${title}`, requireParts(NEEDED), () => {
    let setting: Setting;
    const direct = new Map<string, string[]>();
    const pairs = (['registry3', 'registry2'] as const).flatMap((part) =>
      CLIENTS.map((client) => ({ part, client })),
    );

    before(async () => {
      setting = await startSetting({ auth, configuredSecret, fill });
    });
    after(() => setting?.[Symbol.asyncDispose]());

    for (const { part, client } of pairs) {
      test(`${client.name} gets the same content from ${part} through Larder as directly`, async () => {
        const expected = await pullWith(client, setting.registries[part].host, referenceFor(client), ACCOUNT);
        direct.set(`${client.name} ${part}`, expected);
        assert.deepEqual(missingFrom(expected, client), []);
        assert.deepEqual(await pullThroughLarder(setting, part, client), expected);
      });
    }

    for (const part of ['registry3', 'registry2'] as const) {
      test(`oras finds referrers of an image of ${part} through Larder`, async () => {
        using home = clientHome({});
        const reference = `${larderHost(setting)}/${UPSTREAMS[part]}/${referenceFor(CLIENTS[0]!)}`;
        const discover = ['discover', '--plain-http', '--format', 'json', reference];
        const { stdout } = await run(needPart('oras'), discover, { env: home.env });
        assert.match(stdout, /"artifactType": "application\/vnd\.larder\.test\.note"/);
      });
    }

    for (const { part, client } of pairs) {
      test(`${client.name} gets the same content from the cache after ${part} was stopped`, async () => {
        await setting.registries[part].stop();
        const upstream = { upstream_host: UPSTREAMS[part] };
        const hits = await setting.larder.metric('registry_proxy_hits_total', upstream);
        const misses = await setting.larder.metric('registry_proxy_misses_total', upstream);

        const expected = direct.get(`${client.name} ${part}`);
        assert.deepEqual(await pullThroughLarder(setting, part, client), expected);
        assert.ok((await setting.larder.metric('registry_proxy_hits_total', upstream)) >= hits + 2);
        assert.equal(await setting.larder.metric('registry_proxy_misses_total', upstream), misses);
      });
    }

    for (const part of ['registry3', 'registry2'] as const) {
      test(`Cache-Status and Age report a hit after ${part} was stopped`, async () => {
        await setting.registries[part].stop();
        const [repository] = repositoryFor(CLIENTS[0]!);
        const base = `${setting.larder.registry}/v2/${UPSTREAMS[part]}/${repository}`;
        const [child] = imageFor(CLIENTS[0]!).children;
        for (const path of [`manifests/${child!.digest}`, `blobs/${child!.layers[0]!.digest}`]) {
          const answer = await get(`${base}/${path}`);
          assert.equal(answer.status, 200);
          assert.match(String(answer.headers['cache-status']), /^larder; hit/);
          assert.match(String(answer.headers['age']), /^\d+$/);
        }
      });
    }
  });
}

/** Repository of a client with content of its own, so that the first pull of each client finds the cache cold. */
function repositoryFor(client: Client): [repository: string, seed: number] {
  return [`team/${client.name.replaceAll(' ', '-')}`, CLIENTS.indexOf(client) * 10];
}

function referenceFor(client: Client): string {
  return client.name === 'oras pull' ? 'team/notes:v1' : `${repositoryFor(client)[0]}:v1`;
}

/** Index of two platforms, one of them with a layer that takes several reads. */
function imageFor(client: Client): TestImage {
  const [, seed] = repositoryFor(client);
  return indexOf([
    imageOf({ seed: seed + 1, layers: [3_000_000, 20_000, 1] }),
    imageOf({ seed: seed + 2, layers: [5000], platform: { os: 'linux', architecture: 'arm64' } }),
  ]);
}

/** Digests of the pushed content that are not among the hashes of the files. Always empty for `oras pull`, which writes a plain file. */
function missingFrom(hashes: readonly string[], client: Client): string[] {
  if (client.name === 'oras pull') return [];
  const image = imageFor(client);
  const parts = [image, ...image.children].flatMap((one) => [
    one.digest,
    ...one.blobs.map((blob) => blob.digest),
  ]);
  return parts.filter((digest) => !hashes.includes(digest));
}

async function fill(registry: Registry): Promise<void> {
  for (const client of CLIENTS) await pushImage(registry, repositoryFor(client)[0], imageFor(client), 'v1');
  using home = clientHome({ [registry.host]: ACCOUNT });
  using files = tempDir();
  files.write('note.txt', 'a note');
  const oras = (...args: readonly string[]): Promise<unknown> =>
    run(needPart('oras'), [...args, 'note.txt'], { env: home.env, cwd: files.path });
  await oras('push', '--plain-http', `${registry.host}/team/notes:v1`);
  const subject = `${registry.host}/${referenceFor(CLIENTS[0]!)}`;
  await oras('attach', '--plain-http', '--artifact-type', 'application/vnd.larder.test.note', subject);
}

function pullThroughLarder(setting: Setting, part: UpstreamPart, client: Client): Promise<string[]> {
  return pullWith(client, larderHost(setting), `${UPSTREAMS[part]}/${referenceFor(client)}`);
}

function larderHost(setting: Setting): string {
  return new URL(setting.larder.registry).host;
}
