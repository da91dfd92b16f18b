/** Which upstream a request goes to, and the exact answers of the registry API. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import {
  artifactOf,
  get,
  head,
  imageOf,
  MEDIA_TYPES,
  pullImage,
  startLarder,
  startUpstream,
  zeroByteBlob,
  type LarderProcess,
  type TestBlob,
} from '../kit/index.ts';
import {
  baseUrl,
  blobUrl,
  cacheStatus,
  configWith,
  errorCode,
  manifestUrl,
  MiB,
  startCache,
} from './setting.ts';
import { newBlob, newImage, shareLarder } from './shared-larder.ts';

const IMAGE = imageOf();

const shared = shareLarder();

suite('which upstream', { concurrency: 2 }, () => {
  test('an alias, ns, and the only cache as the default all lead to the upstream', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', IMAGE, 'v1');
    await using larder = await startCache(upstream);
    await pullImage(larder.registry, 'team/app', 'v1');
    await pullImage(larder.registry, 'team/app', 'v1', { alias: upstream.host });
    await pullImage(larder.registry, 'team/app', 'v1', { ns: upstream.host });
    await pullImage(larder.registry, 'team/app', 'v1', { alias: upstream.host, ns: upstream.host });
    assert.equal(
      upstream.count({ kind: 'blob', method: 'GET' }),
      IMAGE.blobs.length,
      'one content, whatever the name',
    );
    assert.ok(
      upstream.requests.every((request) => !request.query.has('ns') && request.repository === 'team/app'),
    );
  });

  test('of several: alias and ns choose, the default upstream takes the rest, and without one it is a 404', async () => {
    await using one = await startUpstream();
    await using two = await startUpstream();
    one.push('team/app', IMAGE, 'v1');
    const other = imageOf({ seed: 2 });
    two.push('team/app', other, 'v1');
    const config = configWith([one, two].map(({ host, url }) => ({ upstream: host, remoteURL: url })));
    await using larder = await startLarder({ config });
    assert.equal(
      (await pullImage(larder.registry, 'team/app', 'v1', { alias: one.host })).digest,
      IMAGE.digest,
    );
    assert.equal((await pullImage(larder.registry, 'team/app', 'v1', { ns: two.host })).digest, other.digest);
    const nowhere = await get(manifestUrl(larder, 'team/app', 'v1'));
    assert.equal(nowhere.status, 404);
    assert.equal(errorCode(nowhere), 'NAME_UNKNOWN');

    await using withDefault = await startLarder({ config, flags: ['--default-upstream', two.host] });
    assert.equal((await pullImage(withDefault.registry, 'team/app', 'v1')).digest, other.digest);
    assert.equal(
      (await pullImage(withDefault.registry, 'team/app', 'v1', { alias: one.host })).digest,
      IMAGE.digest,
    );
  });

  test('that is not configured is a 404 NAME_UNKNOWN by ns, also with one cache, and no socket is opened anywhere', async () => {
    await using upstream = await startUpstream();
    await using stranger = await startUpstream();
    upstream.push('team/app', IMAGE, 'v1');
    stranger.push('team/app', IMAGE, 'v1');
    await using larder = await startCache(upstream);
    for (const ns of [
      stranger.host,
      'docker.io',
      '169.254.169.254',
      'localhost',
      `${upstream.host}/`,
      '',
      `${upstream.host}@evil`,
    ]) {
      for (const path of [
        '',
        'team/app/manifests/v1',
        `team/app/blobs/${IMAGE.blobs[0]?.digest}`,
        'team/app/tags/list',
      ]) {
        const answer = await get(`${larder.registry}/v2/${path}?ns=${encodeURIComponent(ns)}`);
        assert.equal(answer.status, 404, `ns=${ns} ${path}`);
        assert.equal(errorCode(answer), 'NAME_UNKNOWN');
        assert.deepEqual(cacheStatus(answer), ['larder', 'detail=NAME_UNKNOWN']);
      }
    }
    assert.equal(stranger.connections.opened, 0);
    assert.equal(upstream.connections.opened, 0);
  });

  test('a name that begins with an unconfigured host goes to the default upstream as a name, or is invalid', async () => {
    await using upstream = await startUpstream();
    await using stranger = await startUpstream();
    stranger.push('team/app', IMAGE, 'v1');
    await using larder = await startCache(upstream);
    const answer = await get(manifestUrl(larder, `${stranger.host}/team/app`, 'v1'));
    assert.ok(answer.status === 404 || answer.status === 400);
    assert.equal(stranger.connections.opened, 0);
  });
});

suite('/v2/', { concurrency: 2 }, () => {
  test('is 200 and {} for a public upstream, with the API version header', async () => {
    await using upstream = await startUpstream();
    await using larder = await startCache(upstream);
    for (const path of ['/v2/', '/v2', `/v2/?ns=${upstream.host}`]) {
      const answer = await get(`${larder.registry}${path}`);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.text(), '{}');
      assert.equal(answer.headers['docker-distribution-api-version'], 'registry/2.0');
    }
  });

  test("relays the upstream's challenge in mode Caller with one cache or ns, and remembers it for outages", async () => {
    await using upstream = await startUpstream({ auth: 'bearer', users: { alice: 'secret' } });
    await using larder = await startCache(upstream);
    for (const path of ['/v2/', `/v2/?ns=${upstream.host}`]) {
      const answer = await get(`${larder.registry}${path}`);
      assert.equal(answer.status, 401);
      assert.match(
        String(answer.headers['www-authenticate']),
        /^Bearer realm="http:\/\/127\.0\.0\.1:\d+\/[^"]+",service="test-registry"/,
      );
      assert.equal(errorCode(answer), 'UNAUTHORIZED');
    }
    await upstream.refuse();
    const remembered = await get(`${larder.registry}/v2/`);
    assert.equal(remembered.status, 401);
    assert.match(String(remembered.headers['www-authenticate']), /^Bearer realm=/);
  });

  test('is 200 with several caches and no ns, and in mode Shared, and asks nobody', async () => {
    await using one = await startUpstream({ auth: 'basic', users: { alice: 'secret' } });
    await using two = await startUpstream({ auth: 'basic' });
    await using several = await startLarder({
      config: configWith([one, two].map(({ host, url }) => ({ upstream: host, remoteURL: url }))),
    });
    assert.equal((await get(`${several.registry}/v2/`)).status, 200);
    await using shared = await startCache(one, {
      cache: { secretReferenceName: 'login' },
      secrets: { login: { username: 'alice', password: 'secret' } },
    });
    assert.equal((await get(`${shared.registry}/v2/`)).status, 200);
    assert.equal(one.count() + two.count(), 0);
  });

  test('is 200 while the upstream cannot be reached, so that cached content stays reachable', async () => {
    await using upstream = await startUpstream();
    await using larder = await startCache(upstream);
    await upstream.refuse();
    assert.equal((await get(`${larder.registry}/v2/`)).status, 200);
  });
});

suite('what is not supported or not valid', () => {
  // The only cache of its process, and so the default.
  const open = shareLarder().add();
  test('writes are 405 UNSUPPORTED and reach no upstream', async () => {
    const { upstream, larder } = await open();
    upstream.push('team/app', IMAGE, 'v1');
    upstream.reset();
    const requests = [
      ['POST', '/v2/team/app/blobs/uploads/'],
      ['PUT', '/v2/team/app/manifests/v1'],
      ['PATCH', '/v2/team/app/blobs/uploads/1'],
      ['DELETE', `/v2/team/app/manifests/${IMAGE.digest}`],
      ['DELETE', `/v2/team/app/blobs/${IMAGE.blobs[0]?.digest}`],
      ['PUT', '/v2/'],
    ] as const;
    for (const [method, path] of requests) {
      // node:http does not frame the body of a DELETE.
      const answer = await get(`${larder.registry}${path}`, {
        method,
        ...(method !== 'DELETE' && { send: 'x' }),
      });
      assert.equal(answer.status, 405, `${method} ${path}`);
      assert.equal(errorCode(answer), 'UNSUPPORTED');
      assert.equal(answer.headers.allow, 'GET, HEAD');
    }
    assert.equal(upstream.count(), 0);
  });

  const digest = `sha256:${'0'.repeat(64)}`;
  const invalid: [path: string, status: number, code: string][] = [
    ['_catalog', 404, 'UNSUPPORTED'],
    ['team/app/blobs/sha256:123', 400, 'DIGEST_INVALID'],
    ['team/app/blobs/latest', 400, 'DIGEST_INVALID'],
    [`team/app/blobs/md5:${'0'.repeat(32)}`, 400, 'DIGEST_INVALID'],
    [`team/app/blobs/${digest.toUpperCase()}`, 400, 'DIGEST_INVALID'],
    ['team/app/manifests/sha256:123', 400, 'DIGEST_INVALID'],
    ['team/app/manifests/-bad', 400, 'MANIFEST_INVALID'],
    [`team/app/manifests/${'x'.repeat(129)}`, 400, 'MANIFEST_INVALID'],
    ['team/app/referrers/latest', 400, 'DIGEST_INVALID'],
    ['Team/App/manifests/v1', 400, 'NAME_INVALID'],
    ['team//app/manifests/v1', 400, 'NAME_INVALID'],
    ['team/../app/manifests/v1', 400, 'NAME_INVALID'],
    ['team/%2e%2e/app/manifests/v1', 400, 'NAME_INVALID'],
    ['team/app%00/manifests/v1', 400, 'NAME_INVALID'],
    ['team/%zz/manifests/v1', 400, 'NAME_INVALID'],
    [`team/${'a'.repeat(300)}/manifests/v1`, 400, 'NAME_INVALID'],
    ['team/app/other/v1', 404, 'NAME_UNKNOWN'],
    ['team/app/tags/v1', 404, 'NAME_UNKNOWN'],
    ['manifests/v1', 404, 'NAME_UNKNOWN'],
  ];
  test('what is no request is a 400 of known length, which a relay can pass on', async () => {
    const { upstream, larder } = await open();
    upstream.reset();
    const { hostname, port } = new URL(larder.registry);
    const answer = await text(connect(Number(port), hostname).end('NONSENSE\r\n\r\n'));
    assert.match(answer, /^HTTP\/1\.1 400 [^]*\r\nContent-Length: 0\r\n[^]*\r\n\r\n$/);
  });

  test('bad names, tags, digests and paths are refused with their own codes and reach no upstream', async () => {
    const { upstream, larder } = await open();
    upstream.reset();
    for (const [path, status, code] of invalid) {
      const answer = await rawGet(larder, `/v2/${path}`);
      assert.equal(answer.status, status, path);
      assert.equal(errorCode(answer), code, path);
      assert.match(String(answer.headers['cache-status']), /^larder; detail=[A-Z_]+$/);
    }
    for (const path of ['/', '/v1/', '/v2/team', '/token', '/metrics', '//v2/']) {
      assert.equal((await rawGet(larder, path)).status, 404, path);
    }
    assert.equal(upstream.count(), 0);
  });

  test('an unknown blob, manifest and repository are 404 with their codes, and a crowd asks once', async () => {
    const { upstream, larder } = await open();
    upstream.push('team/app', IMAGE, 'v1');
    upstream.reset();
    const missing = [
      [`team/app/blobs/${digest}`, 'BLOB_UNKNOWN'],
      [`team/app/manifests/${digest}`, 'MANIFEST_UNKNOWN'],
      ['team/app/manifests/missing', 'MANIFEST_UNKNOWN'],
      ['team/missing/tags/list', 'NAME_UNKNOWN'],
    ] as const;
    for (const [path, code] of missing) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => get(`${larder.registry}/v2/${path}`)),
      );
      for (const answer of answers) {
        assert.equal(answer.status, 404, path);
        assert.equal(errorCode(answer), code, path);
      }
      assert.equal((await head(`${larder.registry}/v2/${path}`)).status, 404);
    }
    assert.ok(upstream.count() <= missing.length + 2, `${upstream.count()} requests`);
  });
});

suite('content', { concurrency: 2 }, () => {
  shared.test(
    'of repositories whose names look like paths is found, also percent-encoded',
    async ({ upstream, larder, pull }) => {
      const image = newImage();
      for (const name of [
        'a/blobs/b',
        'a/manifests/b',
        'a/tags/list',
        'blobs',
        'manifests',
        'a/referrers/b',
        'v2',
        '_ok'.slice(1),
      ]) {
        upstream.push(name, image, 'v1');
        await pull(name, 'v1');
        assert.equal((await get(`${baseUrl(larder)}/${name}/tags/list`)).status, 200);
      }
      const encoded = `/v2/${larder.alias}/a%2Fblobs%2Fb/blobs/${encodeURIComponent(image.blobs[0]?.digest ?? '')}`;
      assert.equal((await rawGet(larder, encoded)).status, 200);
    },
  );

  shared.test('with sha512 digests is pulled, stored and checked', async ({ upstream, larder, pull }) => {
    const image = newImage({ algorithm: 'sha512', layers: [2 * MiB] });
    upstream.push('team/app', image, 'v1');
    await pull('team/app', 'v1');
    upstream.reset();
    const warm = await pull('team/app', image.digest);
    assert.equal(warm.digest, image.digest);
    assert.equal(upstream.count(), 0);
    const wrong = newImage({ algorithm: 'sha512' });
    upstream.push('team/app', wrong, 'v2');
    upstream.faults.add({ flipByteAt: 5 });
    assert.equal((await get(manifestUrl(larder, 'team/app', wrong.digest))).status, 502);
    assert.equal((await get(blobUrl(larder, 'team/app', wrong.blobs[0] as TestBlob))).status, 502);
  });

  shared.test('of zero bytes is a blob like any other', async ({ upstream, larder }) => {
    const empty = zeroByteBlob();
    upstream.push('team/app', empty);
    const url = blobUrl(larder, 'team/app', empty);
    for (const status of ['fwd=uri-miss', 'hit']) {
      const answer = await get(url);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['content-length'], '0');
      assert.equal(cacheStatus(answer)[1], status);
    }
    assert.equal((await get(url, { headers: { range: 'bytes=0-' } })).status, 416);
    assert.equal((await head(url)).headers['content-length'], '0');
    assert.equal(upstream.count(), 1);
  });

  shared.test('asked for as a blob, a manifest is a 404, cold and warm', async ({ upstream, larder }) => {
    const image = newImage();
    upstream.push('team/app', image, 'v1');
    const url = blobUrl(larder, 'team/app', image);
    assert.equal((await get(url)).status, 404);
    await get(manifestUrl(larder, 'team/app', 'v1'));
    for (const send of [get, head]) assert.equal((await send(url)).status, 404);
  });

  shared.test(
    'has its exact headers: media type, digest, length, ETag, ranges; and HEAD has the same',
    async ({ upstream, larder }) => {
      const image = newImage();
      upstream.push('team/app', image, 'v1');
      const layer = image.layers[0] as TestBlob;
      for (const url of [
        manifestUrl(larder, 'team/app', 'v1'),
        manifestUrl(larder, 'team/app', image.digest),
      ]) {
        for (const send of [get, head]) {
          const { headers } = await send(url);
          assert.equal(headers['content-type'], MEDIA_TYPES.ociManifest);
          assert.equal(headers['docker-content-digest'], image.digest);
          assert.equal(headers.etag, `"${image.digest}"`);
          assert.equal(headers['content-length'], `${image.size}`);
          assert.equal(headers['docker-distribution-api-version'], 'registry/2.0');
        }
      }
      for (const send of [head, get, head, get]) {
        const { headers } = await send(blobUrl(larder, 'team/app', layer));
        assert.equal(headers['content-type'], 'application/octet-stream');
        assert.equal(headers['docker-content-digest'], layer.digest);
        assert.equal(headers.etag, `"${layer.digest}"`);
        assert.equal(headers['content-length'], `${layer.size}`);
        assert.equal(headers['accept-ranges'], 'bytes');
      }
      const asked = upstream.count({ kind: 'blob', method: 'HEAD' });
      assert.equal(asked, 1, 'that a manifest names it is no answer');
    },
  );

  shared.test(
    'is 304 for a matching If-None-Match and 200 for another',
    async ({ upstream, larder, pull }) => {
      const image = newImage();
      upstream.push('team/app', image, 'v1');
      await pull('team/app', 'v1');
      const layer = image.layers[0] as TestBlob;
      for (const [url, digest] of [
        [manifestUrl(larder, 'team/app', 'v1'), image.digest],
        [manifestUrl(larder, 'team/app', image.digest), image.digest],
        [blobUrl(larder, 'team/app', layer), layer.digest],
      ] as const) {
        for (const header of [`"${digest}"`, `W/"${digest}"`, `"other", "${digest}"`, '*']) {
          const answer = await get(url, { headers: { 'if-none-match': header } });
          assert.equal(answer.status, 304, `${url} ${header}`);
          assert.equal(answer.bytes, 0);
        }
        assert.equal((await get(url, { headers: { 'if-none-match': '"other"' } })).status, 200);
      }
    },
  );

  shared.test(
    'is answered with OCI-Namespace when ns was used, and without otherwise',
    async ({ upstream, larder }) => {
      const image = newImage();
      upstream.push('team/app', image, 'v1');
      const layer = image.layers[0] as TestBlob;
      for (const round of ['cold', 'warm']) {
        for (const path of ['manifests/v1', `blobs/${layer.digest}`, 'tags/list']) {
          const answer = await get(`${larder.registry}/v2/team/app/${path}?ns=${upstream.host}`);
          assert.equal(answer.headers['oci-namespace'], upstream.host, `${round} ${path}`);
          assert.equal(
            (await get(`${baseUrl(larder)}/team/app/${path}`)).headers['oci-namespace'],
            undefined,
          );
        }
      }
    },
  );

  const ranges: [range: string, status: number, start: number, end: number][] = [
    ['bytes=0-', 206, 0, 3000],
    ['bytes=0-99', 206, 0, 100],
    ['bytes=2999-', 206, 2999, 3000],
    ['bytes=100-999999', 206, 100, 3000],
    ['bytes=-10', 206, 2990, 3000],
    ['bytes=3000-', 416, 0, 0],
    ['bytes=-0', 416, 0, 0],
    ['bytes=5-2', 200, 0, 3000],
    ['bytes=0-1,5-6', 200, 0, 3000],
    ['lines=1-2', 200, 0, 3000],
  ];
  shared.test('in ranges is right while cold and while warm', async ({ upstream, larder }) => {
    for (const [range, status, start, end] of ranges) {
      const blob = newBlob(3000);
      upstream.push('team/app', blob);
      for (const round of ['cold', 'warm']) {
        const answer = await get(blobUrl(larder, 'team/app', blob), { headers: { range } });
        assert.equal(answer.status, status, `${round} ${range}`);
        if (status === 416) {
          assert.equal(answer.headers['content-range'], 'bytes */3000');
          continue;
        }
        assert.equal(answer.body.equals(blob.read(start, end)), true, `${round} ${range}`);
        assert.equal(answer.headers['content-length'], `${end - start}`);
        if (status === 206) assert.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/3000`);
      }
    }
  });
});

suite('lists', { concurrency: 2 }, () => {
  for (const links of ['relative', 'absolute'] as const) {
    test(`of tags are paged by links to the cache itself (${links} at the upstream), by alias and by ns`, async () => {
      await using upstream = await startUpstream({ pageSize: 2, links });
      upstream.push('team/app', IMAGE, 'a', 'b', 'c', 'd', 'e');
      await using larder = await startCache(upstream);
      for (const { name, query } of [
        { name: 'team/app', query: '' },
        { name: `${upstream.host}/team/app`, query: '' },
        { name: 'team/app', query: `?ns=${upstream.host}` },
        { name: 'team/app', query: `?ns=${upstream.host}&n=1` },
      ]) {
        assert.deepEqual(await allTags(larder, `/v2/${name}/tags/list${query}`), ['a', 'b', 'c', 'd', 'e']);
      }
    });
  }

  shared.test('of tags never link to another host or repository', async ({ upstream, larder }) => {
    const image = newImage();
    upstream.push('team/app', image, 'a');
    for (const link of [
      'https://evil.example/v2/team/app/tags/list?n=1',
      '/v2/other/app/tags/list?n=1',
      '/v2/team/app/blobs/x',
    ]) {
      using _ = upstream.faults.add({ match: { kind: 'tags' }, headers: { link: `<${link}>; rel="next"` } });
      const answer = await get(`${baseUrl(larder)}/team/app/tags/list?n=${link.length}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.link, undefined, link);
    }
  });

  shared.test(
    'of referrers are paged and filtered as the upstream does it, and say what was filtered',
    async ({ upstream, larder }) => {
      const image = newImage();
      upstream.push('team/app', image, 'v1');
      const signatures = [1, 2, 3].map((index) =>
        artifactOf({
          artifactType: 'application/x-signature',
          subject: image,
          annotations: { index: `${index}` },
        }),
      );
      const sbom = artifactOf({ artifactType: 'application/x-sbom', subject: image });
      for (const artifact of [...signatures, sbom]) upstream.push('team/app', artifact);

      const found = await allReferrers(larder, `/v2/${larder.alias}/team/app/referrers/${image.digest}`);
      assert.deepEqual(found.digests.sort(), [...signatures, sbom].map((artifact) => artifact.digest).sort());
      assert.equal(found.filters, undefined);
      const filtered = await allReferrers(
        larder,
        `/v2/${larder.alias}/team/app/referrers/${image.digest}?artifactType=application%2Fx-signature`,
      );
      assert.deepEqual(filtered.digests.sort(), signatures.map((artifact) => artifact.digest).sort());
      assert.equal(filtered.filters, 'artifactType');
    },
    { upstream: { pageSize: 2 } },
  );

  shared.test(
    'of referrers at a registry without that API are 404, so that clients look for the fallback tag',
    async ({ upstream, larder }) => {
      const image = newImage();
      upstream.push('team/app', image, 'v1');
      const answer = await get(`${baseUrl(larder)}/team/app/referrers/${image.digest}`);
      assert.equal(answer.status, 404);
      assert.notEqual(errorCode(answer), 'NAME_UNKNOWN');
    },
    { upstream: { referrers: 'unsupported' } },
  );
});

/** As `get`, for paths that the client's own URL parser would tidy up. */
function rawGet(larder: LarderProcess, path: string) {
  return get(larder.registry, { path });
}

async function allTags(larder: LarderProcess, first: string): Promise<string[]> {
  const tags: string[] = [];
  for (let path: string | undefined = first; path !== undefined;) {
    const answer = await get(`${larder.registry}${path}`);
    assert.equal(answer.status, 200, path);
    tags.push(...(answer.json() as { tags: string[] }).tags);
    path = nextPath(answer.headers.link);
  }
  return tags;
}

async function allReferrers(
  larder: LarderProcess,
  first: string,
): Promise<{ digests: string[]; filters: unknown }> {
  const digests: string[] = [];
  let filters: unknown;
  for (let path: string | undefined = first; path !== undefined;) {
    const answer = await get(`${larder.registry}${path}`);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers['content-type'], MEDIA_TYPES.ociIndex);
    digests.push(
      ...(answer.json() as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest),
    );
    filters = answer.headers['oci-filters-applied'];
    path = nextPath(answer.headers.link);
  }
  return { digests, filters };
}

function nextPath(link: string | string[] | undefined): string | undefined {
  if (link === undefined) return undefined;
  const target = /^<(\/v2\/[^>]+)>; rel="next"$/.exec(String(link))?.[1];
  assert.ok(target, `a link of the cache itself: ${String(link)}`);
  return target;
}
