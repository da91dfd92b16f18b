/**
 * The cache against a model of a few lines, over random histories: content that comes and goes, rights that are given and taken,
 * passwords and tokens that end, an upstream that is down, a cache that is restarted and short of space.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  artifactOf,
  blobOf,
  get,
  imageOf,
  startUpstream,
  tempDir,
  waitFor,
  type GetOptions,
  type LarderProcess,
  type TestBlob,
  type Upstream,
} from '../kit/index.ts';
import { startCache } from '../faults/setting.ts';
import { createCaller, isGiven, type Caller } from './caller.ts';
import { Model } from './model.ts';

/** Histories for each kind of upstream; both take less than a minute together. */
const HISTORIES = 25;
const LIMIT_MS = 60_000;
const LIFETIMES = { proofMs: 400, outageMs: 3000 };
/** 404s are remembered for 10 s at most (design 12). */
const ABSENCE_MS = 10_000;
/** Room for a few images: whatever is large drives out what is here. */
const STORE_LIMIT = '100Ki';
const LARGE = 90_000;

const REPOSITORIES = ['one', 'two'] as const;
const USERS = ['alice', 'bob'] as const;
const CALLERS = ['nobody', 'alice', 'bob', 'wrong'] as const;
const CONTENTS = ['tag', 'digest', 'config', 'shared', 'own', 'referrers', 'tags'] as const;

const repository = fc.constantFrom(...REPOSITORIES);
const user = fc.constantFrom(...USERS);
const image = fc.nat(2);
const step = fc.oneof(
  {
    weight: 48,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      who: fc.constantFrom(...CALLERS),
      repository,
      content: fc.constantFrom(...CONTENTS),
      image,
      method: fc.constantFrom('GET', 'HEAD', 'range'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('push' as const), repository, image }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('grant' as const), repository, user }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('revoke' as const), repository, user }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('open' as const), repository }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('close' as const), repository }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('password' as const), user, isTold: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('outlive' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evict' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('down' as const) }) },
  // So often that the cache seldom gives the upstream up, which costs seconds each time.
  { weight: 8, arbitrary: fc.record({ do: fc.constant('up' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Ask = Extract<Step, { do: 'ask' }>;

for (const auth of ['bearer', 'basic'] as const) {
  test(`whatever happens, content goes to whom the ${auth} upstream would give it, and to them it goes`, async (context) => {
    await using setting = await open(auth);
    const end = performance.now() + LIMIT_MS;
    let histories = 0;
    let asked = 0;
    let given = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        // Ends the search for a shorter history, too.
        if (performance.now() > end) return;
        const history = begin(setting, (histories += 1));
        try {
          for (const one of steps) {
            const isGivenOne = await history.take(one);
            asked += isGivenOne === undefined ? 0 : 1;
            given += isGivenOne ? 1 : 0;
          }
          await history.end();
        } catch (error) {
          // What went wrong must not go on in the histories that are tried next to find the shortest one.
          await setting.renew();
          throw error;
        }
      }),
      { numRuns: HISTORIES },
    );
    context.diagnostic(`${histories} histories, ${asked} questions, ${given} answered with content`);
    assert.ok(given > asked / 10 && given < asked * 0.9, 'there was something to give and to refuse');
  });
}

interface Setting extends AsyncDisposable {
  readonly auth: 'bearer' | 'basic';
  readonly upstream: Upstream;
  readonly larder: LarderProcess;
  restart(): Promise<void>;
  /** An upstream that is up, and a cache that has seen nothing. */
  renew(): Promise<void>;
}

async function open(auth: Setting['auth']): Promise<Setting> {
  const upstream = await startUpstream({ auth, publicWithoutToken: auth === 'basic' });
  const directory = tempDir();
  let lives = 0;
  const newStore = (): string => join(directory.path, `store-${(lives += 1)}`);
  let store = newStore();
  const cache = {
    authentication: { proofLifetime: `${LIFETIMES.proofMs}ms` },
    freshness: { tagTTL: '1s', staleIfError: `${LIFETIMES.outageMs}ms` },
    garbageCollection: { maxSize: STORE_LIMIT },
  };
  let larder = await startCache(upstream, { store, cache });
  return {
    auth,
    upstream,
    get larder() {
      return larder;
    },
    async restart() {
      await larder.stop();
      await larder[Symbol.asyncDispose]();
      larder = await startCache(upstream, { store, cache });
    },
    async renew() {
      await upstream.accept();
      await larder[Symbol.asyncDispose]();
      store = newStore();
      larder = await startCache(upstream, { store, cache });
    },
    async [Symbol.asyncDispose]() {
      await larder[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

interface History {
  /** Takes one step. Gives whether a question was answered with content; undefined for any other step. */
  take(step: Step): Promise<boolean | undefined>;
  /** Leaves an upstream that is up. */
  end(): Promise<void>;
}

/** A history in repositories of its own, so that those before it leave no content, right or proof to it. */
function begin(setting: Setting, number: number): History {
  const { auth, upstream } = setting;
  const model = new Model(LIFETIMES);
  const shared = blobOf(3000, number);
  const images = [0, 1, 2].map((index) => imageOf({ seed: number * 10 + index, layers: [shared, 2000 + index] }));
  const nameOf = (name: string): string => `history-${number}/${name}`;
  const there = new Map<string, Set<string>>();
  /** Until when a 404 for this may be repeated. */
  const absences = new Map<string, number>();
  const callers = new Map<string, Caller>();
  let changes = 0;

  const passwordOf = (name: string, count: number): string => `password-${count % 4}-of-${name}`;
  const meet = (name: string): void => {
    const eager = auth === 'basic' && name === 'bob';
    const password = model.passwords.get(name) ?? '';
    callers.set(name, createCaller({ login: { user: name, password }, eager }));
  };
  const setAccess = (name: string, access: { isPublic: boolean; readers: readonly string[] }): void => {
    upstream.setAccess(nameOf(name), access.isPublic ? 'public' : access);
    model.setAccess(nameOf(name), access, performance.now());
  };
  const push = (name: string, index: number): void => {
    const pushed = images[index] as (typeof images)[number];
    upstream.push(nameOf(name), pushed, 'v1');
    upstream.push(nameOf(name), artifactOf({ artifactType: 'application/vnd.test.note', subject: pushed }));
    const digests = there.get(name) ?? new Set();
    for (const { digest } of [pushed, ...pushed.blobs]) digests.add(digest);
    there.set(name, digests);
  };
  const endTokens = (name?: string): void => {
    upstream.tokens.revoke(name);
    model.endTokens(name);
  };

  callers.set('nobody', createCaller());
  callers.set('wrong', createCaller({ login: { user: 'alice', password: 'a-wrong-password' } }));
  for (const name of USERS) {
    const password = passwordOf(name, 0);
    upstream.users.set(name, password);
    model.passwords.set(name, password);
    meet(name);
  }
  for (const name of REPOSITORIES) push(name, 0);
  setAccess('one', { isPublic: true, readers: [] });
  setAccess('two', { isPublic: false, readers: ['alice'] });

  async function goUp(): Promise<void> {
    if (!model.isDown) return;
    await upstream.accept();
    // Contract: normal again within 10 s. The upstream is asked for what nobody has asked for yet.
    const isBack = async (): Promise<boolean> => {
      const unheard = `${setting.larder.registry}/v2/library/public/manifests/none-${number}-${(changes += 1)}`;
      return (await get(unheard)).status === 404;
    };
    await waitFor(isBack, { limitMs: 10_000, everyMs: 50 });
    model.isDown = false;
  }

  async function ask({ who, repository: name, content, image: index, method }: Ask): Promise<boolean> {
    const asked = contentOf(images[index] as (typeof images)[number], shared, content);
    const repositoryName = nameOf(name);
    const place = `${repositoryName}/${asked.path}`;
    upstream.reset();
    const at = performance.now();
    const options: GetOptions = method === 'range' ? { headers: { range: 'bytes=5-14' } } : { method };
    const reply = await (callers.get(who) as Caller).ask(setting.larder.registry, repositoryName, asked.path, options);
    const { answer, credential } = reply;
    const login = who === 'nobody' ? undefined : who === 'wrong' ? 'wrong' : who;
    model.learn(credential, login, repositoryName);
    const said = `${answer.status} (${answer.headers['cache-status']}) to ${who} for ${method} ${place}`;

    const isThere = asked.digest === undefined || (there.get(name)?.has(asked.digest) ?? false);
    if (isGiven(reply)) {
      assert.ok(model.mayGive(credential, repositoryName, `/v2/${place}`, at), `more permissive: ${said}`);
      assert.ok(isThere, `given although it is not there: ${said}`);
      if (asked.body && method !== 'HEAD') {
        const from = answer.status === 206 ? 5 : 0;
        assert.ok(asked.body.matches(answer.body, from) && answer.complete, `wrong bytes: ${said}`);
      }
      if (content === 'tag' && method !== 'HEAD') assert.ok(there.get(name)?.has(answer.digest ?? ''), said);
    } else if (!model.isDown) {
      assert.ok(answer.status < 500, said);
      const isRight = who === 'wrong' ? false : isCurrent(who) && model.mayRead(login, repositoryName);
      const mayBeAbsent = !isThere || (absences.get(place) ?? 0) > at;
      const mayBeRefused = credential === undefined && model.hasJustOpened(repositoryName, at);
      const isExcused = (answer.status === 404 && mayBeAbsent) || (answer.status === 401 && mayBeRefused);
      assert.ok(!isRight || isExcused, `less permissive: ${said}`);
    }
    if (answer.status === 404) absences.set(place, performance.now() + ABSENCE_MS);
    model.follow(upstream.requests, performance.now());
    return isGiven(reply);
  }

  const told = new Map<string, string>(USERS.map((name) => [name, passwordOf(name, 0)]));
  const isCurrent = (who: string): boolean => who === 'nobody' || told.get(who) === model.passwords.get(who);

  return {
    async take(taken) {
      switch (taken.do) {
        case 'ask':
          return ask(taken);
        case 'push':
          push(taken.repository, taken.image);
          break;
        case 'grant':
        case 'revoke': {
          const { isPublic, readers } = model.accessOf(nameOf(taken.repository));
          const others = readers.filter((name) => name !== taken.user);
          const left = taken.do === 'grant' ? [...others, taken.user] : others;
          setAccess(taken.repository, { isPublic, readers: left });
          if (taken.do === 'revoke') endTokens(taken.user);
          break;
        }
        case 'open':
        case 'close': {
          const { readers } = model.accessOf(nameOf(taken.repository));
          setAccess(taken.repository, { isPublic: taken.do === 'open', readers });
          if (taken.do === 'close') endTokens();
          break;
        }
        case 'password': {
          const password = passwordOf(taken.user, (changes += 1));
          upstream.users.set(taken.user, password);
          model.passwords.set(taken.user, password);
          endTokens(taken.user);
          if (taken.isTold) {
            told.set(taken.user, password);
            meet(taken.user);
          }
          break;
        }
        case 'expire':
          upstream.advanceClock(301_000);
          model.endTokens();
          break;
        case 'outlive': {
          const end = performance.now() + LIFETIMES.proofMs;
          await waitFor(() => performance.now() > end, { what: 'all proofs to end' });
          break;
        }
        case 'evict': {
          if (model.isDown) break;
          const large = blobOf(LARGE, (changes += 1) + number * 100);
          upstream.push('library/public', large);
          await get(`${setting.larder.registry}/v2/library/public/blobs/${large.digest}`);
          break;
        }
        case 'restart':
          await setting.restart();
          model.restart();
          break;
        case 'down':
          await upstream.refuse();
          model.isDown = true;
          break;
        case 'up':
          await goUp();
      }
      return undefined;
    },
    end: goUp,
  };
}

interface Asked {
  readonly path: string;
  /** What has to be in the repository for it to be there. */
  readonly digest?: string | undefined;
  readonly body?: TestBlob | undefined;
}

function contentOf(
  { digest, blobs }: ReturnType<typeof imageOf>,
  shared: TestBlob,
  content: Ask['content'],
): Asked {
  const [config, , own] = blobs;
  const blob = { config, shared, own, tag: undefined, digest: undefined, referrers: undefined, tags: undefined }[content];
  if (blob) return { path: `blobs/${blob.digest}`, digest: blob.digest, body: blob };
  if (content === 'digest') return { path: `manifests/${digest}`, digest };
  if (content === 'referrers') return { path: `referrers/${digest}` };
  return { path: content === 'tag' ? 'manifests/v1' : 'tags/list' };
}
