import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import {
  artifactOf,
  basic,
  blobOf,
  get,
  head,
  imageOf,
  indexOf,
  MEDIA_TYPES,
  oversizedImage,
  pullImage,
  startUpstream,
  waitFor,
  zeroByteBlob,
} from './index.ts';

test('an image that was pushed is pulled with all its parts, each asked for once', async () => {
  await using upstream = await startUpstream();
  const image = imageOf({ layers: [100_000, 200_000] });
  upstream.push('library/app', indexOf([image]), 'v1');

  const pulled = await pullImage(upstream.url, 'library/app', 'v1');

  assert.deepEqual(pulled.manifests, [upstream.repository('library/app')?.tags.get('v1'), image.digest]);
  assert.deepEqual(
    pulled.blobs,
    image.blobs.map((blob) => blob.digest),
  );
  assert.equal(upstream.count({ kind: 'manifest', method: 'HEAD' }), 1);
  assert.equal(upstream.count({ kind: 'manifest', method: 'GET' }), 2);
  assert.equal(upstream.count({ kind: 'blob', status: 200, ending: 'complete' }), 3);
  assert.equal(
    upstream.bodyBytes({ kind: 'blob' }),
    image.blobs.reduce((sum, blob) => sum + blob.size, 0),
  );
});

test('sha512 content, Docker manifests, artifacts and oversized manifests are served like any other', async () => {
  await using upstream = await startUpstream();
  upstream.push('r', imageOf({ algorithm: 'sha512' }), 'sha512');
  upstream.push('r', indexOf([imageOf({ format: 'docker' })], { format: 'docker' }), 'docker');
  upstream.push('r', artifactOf({ artifactType: 'application/x.sbom' }), 'artifact');
  upstream.push('r', oversizedImage(), 'big');
  for (const tag of ['sha512', 'docker', 'artifact', 'big']) await pullImage(upstream.url, 'r', tag);
  assert.equal((await get(`${upstream.url}/v2/r/manifests/big`)).bytes, 4_393_217);
});

test('a manifest has its type, digest and ETag, and a known ETag is answered with 304', async () => {
  await using upstream = await startUpstream();
  const image = imageOf({ format: 'docker' });
  upstream.push('r', image, 'v1');
  const url = `${upstream.url}/v2/r/manifests/v1`;
  const { headers, bytes } = await head(url);
  assert.equal(bytes, 0);
  assert.equal(headers['content-length'], String(image.size));
  assert.equal(headers['content-type'], MEDIA_TYPES.dockerManifest);
  assert.equal(headers['docker-content-digest'], image.digest);
  assert.equal((await get(url, { headers: { 'if-none-match': headers.etag ?? '' } })).status, 304);
});

test('blobs are served whole, empty and by range', async () => {
  await using upstream = await startUpstream();
  const blob = blobOf(10_000);
  upstream.push('r', blob);
  upstream.push('r', zeroByteBlob());
  const url = `${upstream.url}/v2/r/blobs/${blob.digest}`;

  const part = await get(url, { headers: { range: 'bytes=9000-' }, body: { expect: blob, from: 9000 } });
  assert.deepEqual([part.status, part.bytes, part.matches], [206, 1000, true]);
  assert.equal(part.headers['content-range'], 'bytes 9000-9999/10000');
  const beyond = await get(url, { headers: { range: 'bytes=10000-' } });
  assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */10000']);
  const empty = await get(`${upstream.url}/v2/r/blobs/${zeroByteBlob().digest}`);
  assert.deepEqual([empty.status, empty.bytes, empty.complete], [200, 0, true]);
  assert.equal((await head(url)).headers['content-length'], '10000');
  const otherEtag = await get(url, { headers: { range: 'bytes=1-', 'if-range': '"other"' } });
  assert.equal(otherEtag.status, 200);
});

test('missing content is 404 with the code of the specification, a malformed digest 400, a write 405', async () => {
  await using upstream = await startUpstream();
  upstream.push('r', imageOf(), 'v1');
  const missing = `sha256:${'0'.repeat(64)}`;
  const expected: [path: string, status: number, code: string][] = [
    ['nothing/manifests/v1', 404, 'NAME_UNKNOWN'],
    ['r/manifests/v2', 404, 'MANIFEST_UNKNOWN'],
    [`r/manifests/${missing}`, 404, 'MANIFEST_UNKNOWN'],
    [`r/blobs/${missing}`, 404, 'BLOB_UNKNOWN'],
    ['r/manifests/sha256:totallywrong', 400, 'DIGEST_INVALID'],
    ['_catalog', 404, 'UNSUPPORTED'],
  ];
  for (const [path, status, code] of expected) {
    const answer = await get(`${upstream.url}/v2/${path}`);
    assert.equal(answer.status, status, path);
    assert.equal((answer.json() as { errors: { code: string }[] }).errors[0]?.code, code, path);
  }
  assert.equal((await get(`${upstream.url}/v2/r/manifests/v1`, { method: 'PUT' })).status, 405);
});

test('tags move, and content that was deleted is gone', async () => {
  await using upstream = await startUpstream();
  const [old, young] = [imageOf({ seed: 1 }), imageOf({ seed: 2 })];
  upstream.push('r', old, 'latest');
  upstream.push('r', young);
  const url = `${upstream.url}/v2/r/manifests/latest`;
  assert.equal((await head(url)).headers['docker-content-digest'], old.digest);
  upstream.tag('r', 'latest', young);
  assert.equal((await head(url)).headers['docker-content-digest'], young.digest);
  upstream.delete('r', 'latest');
  assert.equal((await head(url)).status, 404);
  upstream.delete('r');
  assert.equal((await head(`${upstream.url}/v2/r/manifests/${old.digest}`)).status, 404);
});

test('tag lists are sorted and paged by Link', async () => {
  await using upstream = await startUpstream();
  upstream.push('r', imageOf(), 'c', 'a', 'b');
  const first = await get(`${upstream.url}/v2/r/tags/list?n=2`);
  assert.deepEqual(first.json(), { name: 'r', tags: ['a', 'b'] });
  assert.equal(first.headers.link, '</v2/r/tags/list?n=2&last=b>; rel="next"');
  const second = await get(`${upstream.url}/v2/r/tags/list?n=2&last=b`);
  assert.deepEqual([second.json(), second.headers.link], [{ name: 'r', tags: ['c'] }, undefined]);
  const none = await get(`${upstream.url}/v2/r/tags/list?n=0`);
  assert.deepEqual([none.json(), none.headers.link], [{ name: 'r', tags: [] }, undefined]);
});

test('referrers are listed, filtered and paged; an unknown subject has none', async () => {
  await using upstream = await startUpstream({ pageSize: 1, links: 'absolute' });
  const subject = imageOf();
  upstream.push('r', subject, 'v1');
  for (const artifactType of ['x/sbom', 'x/signature']) {
    upstream.push('r', artifactOf({ subject, artifactType, annotations: { note: artifactType } }));
  }
  const url = `${upstream.url}/v2/r/referrers/${subject.digest}`;
  const page = await get(url);
  const next = /^<(.+)>; rel="next"$/.exec(page.headers.link as string)?.[1];
  assert.ok(next?.startsWith(`${url}?last=sha256`), next);
  const types = [page, await get(next ?? '')].flatMap((answer) =>
    manifestsOf(answer).map((one) => one.artifactType),
  );
  assert.deepEqual(new Set(types), new Set(['x/sbom', 'x/signature']));

  const filtered = await get(`${url}?artifactType=x%2Fsbom`);
  assert.deepEqual(
    manifestsOf(filtered).map((one) => one.annotations),
    [{ note: 'x/sbom' }],
  );
  assert.equal(filtered.headers['oci-filters-applied'], 'artifactType');
  const unknown = await get(`${upstream.url}/v2/r/referrers/sha256:${'0'.repeat(64)}`);
  assert.deepEqual([unknown.status, manifestsOf(unknown)], [200, []]);
});

test('with negotiation as in Distribution, Accept decides', async () => {
  await using upstream = await startUpstream({ negotiation: 'distribution' });
  const docker = imageOf({ format: 'docker' });
  upstream.push('r', indexOf([docker], { format: 'docker' }), 'docker');
  upstream.push('r', imageOf(), 'oci');
  assert.equal((await get(`${upstream.url}/v2/r/manifests/oci`)).status, 404);
  const converted = await get(`${upstream.url}/v2/r/manifests/docker`, {
    headers: { accept: MEDIA_TYPES.dockerManifest },
  });
  assert.equal(converted.headers['docker-content-digest'], docker.digest);
});

test('connections are counted, and one is enough for a client that keeps it', async () => {
  await using upstream = await startUpstream();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 3; i += 1) await get(`${upstream.url}/v2/`, { agent });
  assert.deepEqual({ ...upstream.connections }, { opened: 1, open: 1, peak: 1 });
  agent.destroy();
  await waitFor(() => upstream.connections.open === 0);
  upstream.reset();
  assert.deepEqual([upstream.requests.length, upstream.connections.opened], [0, 0]);
});

test('a listener that refuses connections comes back on the same port', async () => {
  await using upstream = await startUpstream();
  await upstream.refuse();
  await assert.rejects(get(`${upstream.url}/v2/`), { code: 'ECONNREFUSED' });
  await upstream.accept();
  assert.equal((await get(`${upstream.url}/v2/`)).status, 200);
});

test('with TLS only a client that trusts the authority gets through, and handshakes fail as configured', async () => {
  await using upstream = await startUpstream({ tls: true });
  const { caPem: ca } = upstream;
  const ping = (signal?: AbortSignal) => get(`${upstream.url}/v2/`, { ca, ...(signal && { signal }) });
  await assert.rejects(get(`${upstream.url}/v2/`), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  assert.equal((await ping()).status, 200);
  upstream.breakTls('expired');
  await assert.rejects(ping(), { code: 'CERT_HAS_EXPIRED' });
  upstream.breakTls('wrong-name');
  await assert.rejects(ping(), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  upstream.breakTls('untrusted');
  await assert.rejects(ping(), /certificate/);
  upstream.breakTls('close');
  await assert.rejects(ping(), { code: 'ECONNRESET' });
  upstream.breakTls('hang');
  const abort = new AbortController();
  const { opened } = upstream.connections;
  const hanging = ping(abort.signal);
  await waitFor(() => upstream.connections.opened > opened);
  abort.abort();
  await assert.rejects(hanging, { code: 'ABORT_ERR' });
  upstream.breakTls(undefined);
  assert.equal((await ping()).status, 200);
});

test('a client that leaves early is recorded as such, and more than it read is not sent without end', async () => {
  await using upstream = await startUpstream();
  const blob = blobOf(256 << 20);
  upstream.push('r', blob);
  const url = `${upstream.url}/v2/r/blobs/${blob.digest}`;
  const left = await get(url, { abortAfterBytes: 1 << 20, body: { expect: blob } });
  assert.deepEqual([left.complete, left.matches], [false, true]);
  const [record] = await waitFor(() =>
    upstream.requests[0]?.ending === 'aborted' ? upstream.requests : undefined,
  );
  assert.ok((record?.bodyBytes ?? Infinity) < 64 << 20, `${record?.bodyBytes}`);
});

test('Basic wants a user; private repositories want the right one', async () => {
  await using upstream = await startUpstream({ auth: 'basic', users: { alice: 'a:b', bob: 'b' } });
  upstream.push('private', imageOf(), 'v1');
  upstream.setAccess('private', { readers: ['alice'] });
  const url = `${upstream.url}/v2/private/manifests/v1`;
  const as = (authorization: string) => get(url, { headers: { authorization } });
  assert.equal((await get(url)).headers['www-authenticate'], 'Basic realm="Test registry"');
  assert.equal((await as(basic('alice', 'wrong'))).status, 401);
  assert.equal((await as(basic('bob', 'b'))).status, 403);
  assert.equal((await as(basic('alice', 'a:b'))).status, 200);
  assert.deepEqual(
    upstream.requests.map(({ authorization: { kind, user, valid } }) => [kind, user, valid]),
    [
      ['none', undefined, true],
      ['basic', undefined, false],
      ['basic', 'bob', true],
      ['basic', 'alice', true],
    ],
  );
});

test('Basic without a login gets public content where the upstream says so, and a wrong login does not', async () => {
  await using upstream = await startUpstream({
    auth: 'basic',
    users: { alice: 'a' },
    publicWithoutToken: true,
  });
  for (const name of ['public', 'private']) upstream.push(name, imageOf(), 'v1');
  upstream.setAccess('private', { readers: ['alice'] });
  const statusOf = async (name: string, header?: string): Promise<number> => {
    const headers = header === undefined ? {} : { authorization: header };
    return (await get(`${upstream.url}/v2/${name}/manifests/v1`, { headers })).status;
  };
  assert.deepEqual([await statusOf('public'), await statusOf('private')], [200, 401]);
  assert.equal(await statusOf('public', basic('alice', 'wrong')), 401);
  assert.equal((await get(`${upstream.url}/v2/`)).status, 401);
});

function manifestsOf(answer: { json(): unknown }) {
  const index = answer.json() as {
    manifests: { artifactType?: string; annotations?: Record<string, string> }[];
  };
  return index.manifests;
}
