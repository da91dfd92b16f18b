import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import { SECRETS } from '../cluster/resources.ts';
import { eachListed } from './each-listed.ts';

const { signal } = new AbortController();

/** A server with `count` Secrets. Answers in pages, after `failures`. */
function serverOf(count: number, failures: KubeError[] = []) {
  const sizes: number[] = [];
  const list = async (resource: object, { page }: Parameters<KubeClient['list']>[1]) => {
    assert.equal((resource as typeof SECRETS).metadataOnly, true);
    assert.ok(page);
    const start = Number(page.continueToken ?? 0);
    if (start > 0 && failures.length > 0) throw failures.pop();
    const end = Math.min(start + page.limit, count);
    sizes.push(end - start);
    const items = Array.from({ length: end - start }, (_, index) => secret(start + index));
    return { items, resourceVersion: '1', ...(end < count && { continueToken: String(end) }) };
  };
  const client = { list } as unknown as Pick<KubeClient, 'list'>;
  return { client, sizes };
}

function secret(number: number): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: `s${number}` } };
}

function refusal(httpStatus: number): KubeError {
  return new KubeError('refused', { httpStatus, reason: 'Test' });
}

describe('the objects of a list', () => {
  test('are worked on by metadata, once each, page by page, and some at a time', async () => {
    const { client, sizes } = serverOf(600);
    const seen = new Set<string>();
    let running = 0;
    let most = 0;
    const work = async ({ metadata }: KubeObject): Promise<void> => {
      most = Math.max(most, (running += 1));
      await Promise.resolve();
      running -= 1;
      assert.ok(!seen.has(metadata.name));
      seen.add(metadata.name);
    };
    await eachListed(client, SECRETS, {}, work, signal);
    assert.deepEqual([seen.size, most, sizes], [600, 20, [250, 250, 100]]);
  });

  test('are listed from the start if a page has expired, three times at most', async () => {
    const { client, sizes } = serverOf(300, [refusal(410)]);
    await eachListed(client, SECRETS, {}, () => Promise.resolve(), signal);
    assert.deepEqual(sizes, [250, 250, 50]);
    const worse = serverOf(300, [refusal(410), refusal(410), refusal(410)]);
    await assert.rejects(
      eachListed(worse.client, SECRETS, {}, () => Promise.resolve(), signal),
      /refused/,
    );
  });

  test('of a kind that the cluster does not have are none', async () => {
    const list = () => Promise.reject(refusal(404));
    await eachListed({ list }, SECRETS, {}, () => assert.fail(), signal);
  });

  test('are left alone after a failure, which comes once no work runs', async () => {
    let begun = 0;
    let ended = 0;
    const work = async (): Promise<void> => {
      begun += 1;
      const isFirst = begun === 1;
      if (!isFirst) await new Promise((resolve) => setImmediate(resolve));
      ended += 1;
      if (isFirst) throw new Error('broken');
    };
    await assert.rejects(eachListed(serverOf(600).client, SECRETS, {}, work, signal), /broken/);
    assert.deepEqual([begun, ended], [20, 20]);
  });
});
