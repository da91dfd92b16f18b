import assert from 'node:assert/strict';
import {
  basic,
  digestOf,
  get,
  logIn,
  pullImage,
  type GetOptions,
  type GetResult,
  type Login,
} from '../../kit/index.ts';
import { cacheStatus } from '../setting.ts';
import type { Random } from './random.ts';
import { ALICE, type Source, type Target } from './setting.ts';
import { PRIVATE, PUBLIC, REPOSITORIES } from './shelf.ts';

/** More than any fault of the flood takes: who has waited so long waits in vain. */
const LIMIT_MS = 30_000;
const WRONG: Login = { user: 'alice', password: 'mistyped-in-the-flood' };

/** One visit of a client that does as registries' clients do, and checks what it gets. Throws when that is not right. */
export async function visit(target: Target, random: Random): Promise<void> {
  const kind = random.weighted({ blob: 6, manifest: 6, pull: 2, list: 1, ping: 1, admin: 1 });
  if (kind === 'admin') return lookAtAdmin(target, random);
  const source = random.pick(target.sources);
  const asks = createAsker(target, source, random);
  if (kind === 'blob') return asks.blob();
  if (kind === 'manifest') return asks.manifest();
  if (kind === 'pull') return asks.pull();
  const { upstream } = source;
  const answer = await asks.send(
    kind === 'ping' ? `/v2/?ns=${upstream.host}` : `/v2/${upstream.host}/${PUBLIC}/tags/list?n=3`,
  );
  check(answer, kind);
}

function createAsker(target: Target, source: Source, random: Random) {
  const { upstream, shelf } = source;
  const repository = random.pick(REPOSITORIES);
  const login = repository === PRIVATE ? random.pick([ALICE, ALICE, ALICE, undefined, WRONG]) : undefined;
  const connection: GetOptions = { ca: target.ca, signal: AbortSignal.timeout(LIMIT_MS) };
  const isByNs = random.chance(0.5);
  const path = (rest: string): string =>
    isByNs ? `/v2/${repository}/${rest}?ns=${upstream.host}` : `/v2/${upstream.host}/${repository}/${rest}`;

  /** With a login once it is challenged, or at once; a token server that fails leaves the challenge as the answer. */
  async function send(path: string, options: GetOptions = {}): Promise<GetResult> {
    const url = `${target.larder.registry}${path}`;
    const eager = login !== undefined && random.chance(0.2) ? basic(login.user, login.password) : undefined;
    const first = await get(url, { ...connection, ...options, headers: headersOf(options, eager) });
    const challenge = first.headers['www-authenticate'];
    if (first.status !== 401 || challenge === undefined) return first;
    const authorization = await logIn(challenge, login, connection).catch(() => undefined);
    if (authorization === undefined || !/^[\x20-\x7e]+$/.test(authorization)) return first;
    return get(url, { ...connection, ...options, headers: headersOf(options, authorization) });
  }

  return {
    send,

    async blob(): Promise<void> {
      const blob = random.pick([...shelf.blobs.values()]);
      const isHead = random.chance(0.2);
      const start = random.int(blob.size + 1);
      const range =
        isHead || random.chance(0.5) ? undefined : `bytes=${start}-${start + random.int(200_000)}`;
      const answer = await send(path(`blobs/${blob.digest}`), {
        method: isHead ? 'HEAD' : 'GET',
        ...(range !== undefined && { headers: { range } }),
        ...(random.chance(0.2) && { abortAfterBytes: random.int(blob.size + 1) }),
        body: { expect: blob, from: range === undefined ? 0 : start },
      });
      check(answer, `blob ${blob.digest} ${range ?? ''}`);
      if (answer.status === 200 && !isHead && answer.complete) {
        // A range is ignored while nobody knows the size: then all of it came.
        assert.equal(answer.bytes, blob.size, 'a whole blob has its size');
        if (range === undefined) assert.ok(answer.matches, 'a whole blob is right');
      }
      if (answer.status === 206 && answer.complete) {
        const label = /^bytes (\d+)-(\d+)\/\d+$/.exec(String(answer.headers['content-range']));
        assert.equal(Number(label?.[1]), start, 'a part begins where it was asked for');
        assert.equal(answer.bytes, Number(label?.[2]) + 1 - start, 'a part is as long as it says');
        // A part of an unverified body guarantees neither bytes nor size. Stored content was verified.
        if (!cacheStatus(answer).includes('hit')) return;
        assert.equal(Number(label?.[0].split('/')[1]), blob.size, 'a part says how large the whole is');
        assert.ok(answer.matches, 'a part from the store is right');
      }
    },

    async manifest(): Promise<void> {
      const [tag, image] = random.pick([...shelf.tags]);
      const isByTag = random.chance(0.6);
      const answer = await send(path(`manifests/${isByTag ? tag : image.digest}`), {
        method: random.chance(0.3) ? 'HEAD' : 'GET',
      });
      check(answer, `manifest ${tag} ${image.digest}`);
      if (answer.status !== 200 || !answer.complete || answer.body.length === 0) return;
      const algorithm = image.digest.startsWith('sha512:') ? 'sha512' : 'sha256';
      assert.equal(digestOf(answer.body, algorithm), image.digest, 'a whole manifest is right');
    },

    async pull(): Promise<void> {
      const [tag] = random.pick([...shelf.tags]);
      const leaving = new AbortController();
      const signal = AbortSignal.any([connection.signal as AbortSignal, leaving.signal]);
      const { ca } = target;
      const options = { ...(isByNs ? { ns: upstream.host } : { alias: upstream.host }), signal };
      const pulling = pullImage(target.larder.registry, repository, tag, {
        ...options,
        ...(login && { login }),
        ...(ca !== undefined && { ca }),
      });
      // As containerd does with what still runs when one of its requests has failed.
      const timer = random.chance(0.3) ? setTimeout(() => leaving.abort(), random.int(100)) : undefined;
      try {
        await pulling;
      } catch (error) {
        const { message } = error as Error;
        assert.ok(!/gave content with digest|bytes, expected/.test(message), message);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function lookAtAdmin({ larder }: Target, random: Random): Promise<void> {
  const path = random.pick(['/healthz', '/readyz', '/metrics', '/api/v1/stats']);
  const answer = await get(`${larder.admin}${path}`, { signal: AbortSignal.timeout(LIMIT_MS) });
  assert.equal(answer.status, 200, path);
}

/** Checks that an answer says how it came about, and that an error says what went wrong. */
function check(answer: GetResult, what: string): void {
  const { status, headers } = answer;
  assert.ok(status !== 500, `${what}: status 500: ${answer.text()}`);
  assert.match(String(headers['cache-status']), /^larder; /, what);
  if (status < 400 || !answer.complete || answer.body.length === 0) return;
  const { errors } = answer.json() as { errors?: { code?: unknown }[] };
  assert.equal(typeof errors?.[0]?.code, 'string', `${what}: ${status} without an error document`);
}

function headersOf({ headers }: GetOptions, authorization: string | undefined) {
  return { ...headers, ...(authorization !== undefined && { authorization }) };
}
