/* oxlint-disable typescript/no-floating-promises -- the runner awaits what `describe` and `test` return */
/** Tests that every implementation of `Store` must pass. Run them from a test file of the implementation. */
import { readWhole } from './read-whole.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDigestHash, digestOf } from '../../src/oci/digest.ts';
import { parseTag } from '../../src/oci/reference.ts';
import type { StoreOptions } from '../../src/store/store.ts';
import type { OpenContent, Spool, Store } from '../../src/store/types.ts';
import { waitFor } from '../kit/wait.ts';
import { A, A2, B, MIB, body, fill, keep, policies } from './harness.ts';

/** A store under test, with a clock that the test moves. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly clock: { advance(ms: number): void; now(): number };
  readonly store: Store;
  /** Closes the store and opens it again over the same content. */
  reopen(options?: Partial<StoreOptions>): Promise<Store>;
}

/** Declares the tests for the implementation that `create` makes. Upstreams are `a.example` and `b.example`. */
export function storeConformance(
  name: string,
  create: (options?: Partial<StoreOptions>) => Promise<StoreUnderTest>,
): void {
  describe(`${name}: content`, () => {
    for (const [what, of] of [
      ['a blob', body(300_000)],
      ['a zero-byte blob', body(0)],
      ['a blob addressed by sha512', body(70_000, 2, 'sha512')],
    ] as const) {
      test(`${what} can be opened after its commit, with the same bytes`, async () => {
        await using under = await create();
        await keep(under.store, of);
        assert.deepEqual(await bytesOf(await under.store.open(of.digest)), of.content);
        assert.equal(under.store.info(of.digest)?.size, of.content.length);
        assert.equal(under.store.info(of.digest)?.type, 'blob');
        assert.equal(under.store.info(of.digest)?.storedAt, under.clock.now());
      });
    }

    test('content survives a restart with its links and its type', async () => {
      await using under = await create();
      const of = body(5000);
      await under.store.put(of.digest, of.content, {
        type: 'manifest',
        mediaType: 'application/x',
        repositoryId: A,
      });
      const store = await under.reopen();
      const found = await store.read(of.digest);
      assert.deepEqual(found?.content, of.content);
      assert.equal(found?.info.mediaType, 'application/x');
      assert.equal(found?.info.type, 'manifest');
      assert.equal(store.presence(of.digest, A), 'linked');
      assert.equal(store.presence(of.digest, A2), 'unlinked');
    });

    test('absent content is neither opened nor read', async () => {
      await using under = await create();
      const { digest } = body(10);
      assert.equal(await under.store.open(digest), undefined);
      assert.equal(await under.store.read(digest), undefined);
      assert.equal(under.store.info(digest), undefined);
    });

    test('open content stays readable after the store has closed', async () => {
      await using under = await create();
      const of = body(100_000);
      const content = await fill(under.store, of);
      await under.store.close();
      assert.deepEqual(await bytesOf(content), of.content);
    });

    test('small content of a wrong digest is refused and leaves nothing', async () => {
      await using under = await create();
      const before = under.store.stats().bytes;
      await assert.rejects(
        under.store.put(body(100).digest, body(100, 2).content, { type: 'blob', repositoryId: A }),
        { code: 'UPSTREAM_DIGEST_MISMATCH' },
      );
      assert.equal(under.store.presence(body(100).digest, A), 'absent');
      assert.equal(under.store.stats().bytes, before);
    });

    test('content that is known as a manifest stays one when it comes again as a blob', async () => {
      await using under = await create();
      const of = body(500);
      await under.store.put(of.digest, of.content, {
        type: 'manifest',
        mediaType: 'application/x',
        repositoryId: A,
      });
      await keep(under.store, of);
      assert.equal(under.store.info(of.digest)?.type, 'manifest');
      assert.equal(under.store.info(of.digest)?.mediaType, 'application/x');
    });
  });

  describe(`${name}: documents`, () => {
    test('a document is read as it was last written, also after a restart; an absent one is undefined', async () => {
      await using under = await create();
      assert.equal(await under.store.readDocument('keys.json'), undefined);
      await under.store.writeDocument('keys.json', Buffer.from('first, and longer'));
      await under.store.writeDocument('keys.json', Buffer.from('second'));
      assert.equal(String(await under.store.readDocument('keys.json')), 'second');
      const store = await under.reopen();
      assert.equal(String(await store.readDocument('keys.json')), 'second');
    });

    test('of two concurrent writers one wins as a whole', async () => {
      await using under = await create();
      const contents = ['a', 'b'].map((letter) => Buffer.alloc(20_000, letter));
      await Promise.all(contents.map((content) => under.store.writeDocument('keys.json', content)));
      const found = await under.store.readDocument('keys.json');
      assert.ok(contents.some((content) => found?.equals(content) === true));
    });
  });

  describe(`${name}: permission`, () => {
    const of = body(1000);

    test('content is linked where it was fetched, unlinked in other repositories, foreign to other upstreams', async () => {
      await using under = await create();
      assert.equal(under.store.presence(of.digest, A), 'absent');
      await keep(under.store, of, A);
      assert.equal(under.store.presence(of.digest, A), 'linked');
      assert.equal(under.store.presence(of.digest, A2), 'unlinked');
      assert.equal(under.store.presence(of.digest, B), 'foreign');
    });

    test('a confirmation links within an upstream', async () => {
      await using under = await create();
      await keep(under.store, of, A);
      under.store.link(of.digest, A2);
      assert.equal(under.store.presence(of.digest, A2), 'linked');
    });

    test('a confirmation of another upstream leaves the content foreign there', async () => {
      await using under = await create();
      await keep(under.store, of, A);
      under.store.link(of.digest, B);
      assert.equal(under.store.presence(of.digest, B), 'foreign');
    });

    test('a confirmation of absent content makes no link for later', async () => {
      await using under = await create();
      under.store.link(of.digest, A2);
      await keep(under.store, of, A);
      assert.equal(under.store.presence(of.digest, A2), 'unlinked');
    });

    test('a download from a second upstream links there and leaves the first one linked', async () => {
      await using under = await create();
      await keep(under.store, of, A);
      await keep(under.store, of, B);
      assert.equal(under.store.presence(of.digest, A), 'linked');
      assert.equal(under.store.presence(of.digest, B), 'linked');
      const { perUpstream, objects } = under.store.stats();
      assert.equal(objects, 1);
      assert.deepEqual(
        perUpstream.map(({ upstream, bytes }) => [upstream, bytes]),
        [
          ['a.example', 1000],
          ['b.example', 1000],
        ],
      );
    });
  });

  describe(`${name}: tags and descriptors`, () => {
    const entry = {
      digest: body(10).digest,
      mediaType: 'application/x',
      size: 10,
      validatedAt: 1_700_000_000_123,
    };
    const key = { ...A, tag: parseTag('latest'), acceptClass: 'im' };

    test('a tag is remembered by upstream, repository, name and accept class, across restarts', async () => {
      await using under = await create();
      under.store.putTag(key, entry);
      const store = await under.reopen();
      assert.deepEqual(store.tag(key), entry);
      assert.equal(store.tag({ ...key, acceptClass: 'd' }), undefined);
      assert.equal(store.tag({ ...key, tag: parseTag('v1') }), undefined);
      assert.equal(store.tag({ ...key, repository: A2.repository }), undefined);
      assert.equal(store.tag({ ...key, upstream: 'b.example' }), undefined);
    });

    test('a tag that moves forgets its former target', async () => {
      await using under = await create();
      under.store.putTag(key, entry);
      under.store.putTag(key, { ...entry, digest: body(11).digest });
      assert.equal(under.store.tag(key)?.digest, body(11).digest);
    });

    test('a repository is public from the note of it until that is withdrawn, across restarts', async () => {
      await using under = await create();
      under.store.setPublic(A, 1000);
      under.store.setPublic(A, 2000);
      under.store.setPublic(A2, 70_000);
      assert.deepEqual(
        [A, A2, B].map((repositoryId) => under.store.publicAt(repositoryId)),
        [2000, 70_000, undefined],
      );
      under.store.setPublic(A, 90_000);
      under.store.setPublic(A2, undefined);
      const store = await under.reopen();
      assert.deepEqual(
        [A, A2].map((repositoryId) => store.publicAt(repositoryId)),
        [90_000, undefined],
      );
    });

    test('dropping a tag drops it in all accept classes, and no other', async () => {
      await using under = await create();
      const other = { ...key, tag: parseTag('v1') };
      under.store.putTag(key, entry);
      under.store.putTag({ ...key, acceptClass: 'd' }, entry);
      under.store.putTag(other, entry);
      assert.deepEqual(
        under.store.tagClasses(A, key.tag).toSorted((a, b) => a.acceptClass.localeCompare(b.acceptClass)),
        [
          { acceptClass: 'd', entry },
          { acceptClass: key.acceptClass, entry },
        ].toSorted((a, b) => a.acceptClass.localeCompare(b.acceptClass)),
      );
      under.store.dropTag(A, key.tag);
      assert.deepEqual(under.store.tagClasses(A, key.tag), []);
      assert.equal(under.store.tag(key), undefined);
      assert.equal(under.store.tag({ ...key, acceptClass: 'd' }), undefined);
      assert.deepEqual(under.store.tag(other), entry);
    });
  });

  describe(`${name}: spools`, () => {
    const of = body(400_000);
    const half = of.content.subarray(0, 200_000);
    const rest = of.content.subarray(200_000);

    test('appended bytes can be read at once, and through the same descriptor after the commit', async () => {
      await using under = await create();
      const spool = await under.store.spool(of.digest, A, of.content.length);
      spool.retain();
      await spool.append([half.subarray(0, 1), half.subarray(1)]);
      assert.equal(spool.offset, 200_000);
      assert.deepEqual(await spooled(spool, 200_000), half);
      assert.equal(spool.matches(), false);
      await spool.append([rest]);
      assert.equal(spool.matches(), true);
      const content = await spool.commit({ type: 'blob', repositoryId: A });
      content.close();
      assert.deepEqual(await spooled(spool, 400_000), of.content);
      spool.release();
    });

    test('a suspended spool is continued where it stopped, also after a restart', async () => {
      await using under = await create();
      const first = await under.store.spool(of.digest, A, of.content.length);
      await first.append([half]);
      await first.suspend();
      const store = await under.reopen();
      const second = await store.spool(of.digest, A, of.content.length);
      assert.equal(second.offset, 200_000);
      await second.append([rest]);
      (await second.commit({ type: 'blob', repositoryId: A })).close();
      assert.deepEqual(await bytesOf(await store.open(of.digest)), of.content);
    });

    test('bytes of one upstream are not continued for another', async () => {
      await using under = await create();
      const first = await under.store.spool(of.digest, A, of.content.length);
      await first.append([half]);
      await first.suspend();
      const second = await under.store.spool(of.digest, B, of.content.length);
      assert.equal(second.offset, 0);
      await second.discard();
    });

    test('a discarded spool leaves nothing, and its reader reads on', async () => {
      await using under = await create();
      const before = under.store.stats().bytes;
      const spool = await under.store.spool(of.digest, A, of.content.length);
      await spool.append([half]);
      spool.retain();
      await spool.discard();
      assert.deepEqual(await spooled(spool, 200_000), half);
      spool.release();
      assert.equal(under.store.stats().bytes, before);
      const again = await under.store.spool(of.digest, A, of.content.length);
      assert.equal(again.offset, 0);
      await again.discard();
    });

    test('a complete body with a wrong byte is refused, names both digests and leaves nothing', async () => {
      await using under = await create();
      const before = under.store.stats().bytes;
      const spool = await under.store.spool(of.digest, A, of.content.length);
      await spool.append([half, half]);
      const found = digestOf(Buffer.concat([half, half]));
      await assert.rejects(
        spool.commit({ type: 'blob', repositoryId: A }),
        (error: Error & { code: string }) => {
          assert.equal(error.code, 'UPSTREAM_DIGEST_MISMATCH');
          assert.ok(error.message.includes(of.digest) && error.message.includes(found), error.message);
          return true;
        },
      );
      assert.equal(under.store.presence(of.digest, A), 'absent');
      assert.equal(under.store.stats().bytes, before);
    });

    test('a forked hash goes on independently', async () => {
      await using under = await create();
      const spool = await under.store.spool(of.digest, A, of.content.length);
      await spool.append([half]);
      const hash = spool.forkHash().update(rest);
      assert.equal(spool.matches(), false);
      assert.equal(hash.digest('hex'), createDigestHash(of.digest).update(of.content).digest('hex'));
      await spool.discard();
    });
  });

  describe(`${name}: budget`, () => {
    test('a body that can never fit is refused before content is evicted', async () => {
      await using under = await create({ policies: policies({ a: { maxBytes: 100_000 } }) });
      await keep(under.store, body(60_000));
      await assert.rejects(under.store.spool(body(1).digest, A, 100_001), { code: 'STORE_FULL' });
      assert.equal(under.store.presence(body(60_000).digest, A), 'linked');
    });

    test('the least recently used goes first, and a use counts', async () => {
      await using under = await create({ policies: policies({ a: { maxBytes: 100_000 } }) });
      const [one, two, three] = [body(40_000, 1), body(40_000, 2), body(40_000, 3)];
      await keep(under.store, one);
      under.clock.advance(60_000);
      await keep(under.store, two);
      under.clock.advance(60_000);
      under.store.touch(one.digest);
      await keep(under.store, three);
      assert.equal(under.store.presence(one.digest, A), 'linked');
      assert.equal(under.store.presence(two.digest, A), 'absent');
      assert.equal(under.store.presence(three.digest, A), 'linked');
    });

    test('content that is open is never evicted', async () => {
      await using under = await create({ policies: policies({ a: { maxBytes: 100_000 } }) });
      const of = body(60_000);
      const content = await fill(under.store, of);
      under.clock.advance(3_600_000);
      await assert.rejects(under.store.spool(body(1).digest, A, 60_000), { code: 'STORE_FULL' });
      assert.equal(under.store.presence(of.digest, A), 'linked');
      content.close();
      await (await under.store.spool(body(1).digest, A, 60_000)).discard();
      assert.equal(under.store.presence(of.digest, A), 'absent');
    });

    test("an upstream's budget takes its share away and leaves another's", async () => {
      await using under = await create({ policies: policies({ a: { maxBytes: 100_000 } }) });
      const shared = body(60_000);
      await keep(under.store, shared, A);
      await keep(under.store, shared, B);
      await keep(under.store, body(60_000, 2), A);
      assert.equal(under.store.presence(shared.digest, A), 'foreign');
      assert.equal(under.store.presence(shared.digest, B), 'linked');
    });

    test('manifests stay while blobs can go', async () => {
      await using under = await create({ policies: policies({ a: { maxBytes: 100_000 } }) });
      const manifest = body(1000, 5);
      await under.store.put(manifest.digest, manifest.content, {
        type: 'manifest',
        mediaType: 'm',
        repositoryId: A,
      });
      under.clock.advance(3_600_000);
      await keep(under.store, body(90_000, 1));
      await keep(under.store, body(90_000, 2));
      assert.equal(under.store.presence(manifest.digest, A), 'linked');
      assert.equal(under.store.presence(body(90_000, 1).digest, A), 'absent');
    });

    test('running fills count, and give back what they did not use', async () => {
      await using under = await create({ policies: policies({ a: { maxBytes: 100_000 } }) });
      const spool = await under.store.spool(body(1, 1).digest, A, 80_000);
      await assert.rejects(under.store.spool(body(1, 2).digest, A, 30_000), { code: 'STORE_FULL' });
      await spool.append([Buffer.alloc(10_000)]);
      await spool.suspend();
      await (await under.store.spool(body(1, 2).digest, A, 90_000)).discard();
    });

    test('a body of unknown size takes what it needs, up to the limit', async () => {
      await using under = await create({ policies: policies({ a: { maxBytes: 100_000 } }) });
      const spool = await under.store.spool(body(1).digest, A, undefined);
      await spool.append([Buffer.alloc(90_000)]);
      await assert.rejects(spool.append([Buffer.alloc(10_001)]), { code: 'STORE_FULL' });
      assert.equal(spool.offset, 90_000);
      await spool.append([Buffer.alloc(10_000)]);
      await spool.discard();
    });

    test('a smaller budget takes effect at once', async () => {
      await using under = await create();
      for (let seed = 0; seed < 10; seed += 1) await keep(under.store, body(10_000, seed));
      under.store.setPolicies(policies({ a: { maxBytes: 50_000 } }));
      await waitFor(() => (under.store.stats().perUpstream[0]?.bytes ?? 0) <= 50_000);
    });

    test('the limit of the whole store holds for all upstreams together', async () => {
      await using under = await create({ maxBytes: 4 * MIB });
      for (let seed = 0; seed < 12; seed += 1) {
        await keep(under.store, body(MIB, seed), seed % 2 === 0 ? A : B);
        assert.ok(under.store.stats().bytes <= 4 * MIB);
      }
      assert.ok(under.store.stats().objects >= 2);
    });

    test('content is removed when it was unused for its ttl, and not before', async () => {
      await using under = await create({ policies: policies({ a: { ttlMs: 3_600_000 } }) });
      await keep(under.store, body(1000, 1), A);
      await keep(under.store, body(1000, 2), A);
      await keep(under.store, body(1000, 3), B);
      under.clock.advance(3_000_000);
      (await under.store.open(body(1000, 2).digest))?.close();
      under.clock.advance(1_000_000);
      await waitFor(() => under.store.presence(body(1000, 1).digest, A) === 'absent');
      assert.equal(under.store.presence(body(1000, 2).digest, A), 'linked');
      assert.equal(under.store.presence(body(1000, 3).digest, B), 'linked');
    });

    test('ttl can be turned on later', async () => {
      await using under = await create();
      await keep(under.store, body(1000));
      under.clock.advance(7_200_000);
      under.store.setPolicies(policies({ a: { ttlMs: 3_600_000 } }));
      await waitFor(() => under.store.presence(body(1000).digest, A) === 'absent');
    });
  });
}

async function bytesOf(content: OpenContent | undefined): Promise<Buffer> {
  assert.ok(content !== undefined, 'expected the content to be there');
  try {
    return await readWhole(content);
  } finally {
    content.close();
  }
}

function spooled(spool: Spool, size: number): Promise<Buffer> {
  return readWhole({ size, read: (buffer, offset, end) => spool.read(buffer, offset, end) });
}
