import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { get } from '../../../test/kit/index.ts';
import type { ContainerdFinding } from '../../fleet/node-status.ts';
import { createEvidence, type JudgeByEvidence } from './containerd-evidence.ts';

const UNKNOWN: ContainerdFinding = { state: 'Unknown', message: 'there is no file' };
const SET: ContainerdFinding = { state: 'Set', message: '' };
const CONTAINERD = { 'user-agent': 'containerd/v1.7.35' };

describe('an open finding', () => {
  let relay: Server;
  before(async () => {
    relay = createServer((_, response) => void response.end());
    await once(relay.listen(0, '127.0.0.1'), 'listening');
  });
  after(() => relay.close());

  const ask = (path: string, headers: Record<string, string>): Promise<unknown> =>
    get(`http://127.0.0.1:${(relay.address() as AddressInfo).port}${path}`, { headers });

  /** A judge that has seen `read` once, and then this request. */
  async function judgeAfter(
    read: ContainerdFinding,
    path: string,
    headers = CONTAINERD,
  ): Promise<JudgeByEvidence> {
    const judge = createEvidence(relay);
    assert.deepEqual(judge(read), read);
    await ask(path, headers);
    return judge;
  }

  for (const state of ['Unknown', 'List'] as const)
    test(`is settled by a request of containerd: ${state}`, async () => {
      const read = { ...UNKNOWN, state };
      const judge = await judgeAfter(read, '/v2/library/nginx/manifests/1?ns=docker.io');
      assert.deepEqual(judge(read), SET);
      assert.deepEqual(judge(read), SET);
    });

  for (const state of ['NotSet', 'Elsewhere'] as const)
    test(`is not a clear negative one: ${state}`, async () => {
      const read = { ...UNKNOWN, state };
      assert.deepEqual((await judgeAfter(read, '/v2/a/manifests/1?ns=docker.io'))(read), read);
    });

  test('is not settled by another program, by embedded containerd code, or by a request without an upstream', async () => {
    const others = await judgeAfter(UNKNOWN, '/v2/a/manifests/1?ns=docker.io', { 'user-agent': 'curl/8' });
    assert.deepEqual(others(UNKNOWN), UNKNOWN);
    const embedded = { 'user-agent': 'containerd/2.1.4+unknown' };
    const nerdctl = await judgeAfter(UNKNOWN, '/v2/a/manifests/1?ns=docker.io', embedded);
    assert.deepEqual(nerdctl(UNKNOWN), UNKNOWN);
    assert.deepEqual((await judgeAfter(UNKNOWN, '/v2/'))(UNKNOWN), UNKNOWN);
  });

  test('is open again once the configuration changes', async () => {
    const judge = await judgeAfter(UNKNOWN, '/v2/a/manifests/1?ns=docker.io');
    assert.deepEqual(judge(SET), SET);
    await ask('/v2/a/manifests/1?ns=docker.io', CONTAINERD);
    assert.deepEqual(judge(UNKNOWN), UNKNOWN);
  });
});
