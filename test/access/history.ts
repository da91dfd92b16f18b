/** Carries out a history on the cache, its upstream and the model, and compares every answer with what the model allows. */
import assert from 'node:assert/strict';
import {
  artifactOf,
  blobOf,
  get,
  imageOf,
  waitFor,
  type GetOptions,
  type TestBlob,
  type TestImage,
} from '../kit/index.ts';
import { createCaller, isGiven, type Caller, type Reply } from './caller.ts';
import { Model, type Lifetimes } from './model.ts';
import type { Restartable } from './restartable.ts';
import { REPOSITORIES, USERS, type Ask, type Step } from './steps.ts';

/** 404s are remembered for 10 s at most (docs/laws.md, "Do no harm"). */
const ABSENCE_MS = 10_000;

export interface HistoryOptions {
  /** Distinguishes histories: none finds content, rights or proofs of another one. */
  readonly number: number;
  readonly lifetimes: Lifetimes;
  /** Bytes that drive everything else out of the store. */
  readonly large: number;
}

export interface History {
  /** Takes one step. Returns whether a question was answered with content; undefined for any other step. */
  take(step: Step): Promise<boolean | undefined>;
  /** Ends the history with the upstream up. */
  end(): Promise<void>;
}

/** Begins a history: repository `one` is public, `two` is alice's, and both have the first image. */
export function beginHistory(setting: Restartable, { number, lifetimes, large }: HistoryOptions): History {
  const { auth, upstream } = setting;
  const model = new Model(lifetimes);
  const shared = blobOf(3000, number);
  const images = [0, 1, 2].map((index) =>
    imageOf({ seed: number * 10 + index, layers: [shared, 2000 + index] }),
  ) as [TestImage, TestImage, TestImage];
  const nameOf = (name: string): string => `history-${number}/${name}`;
  /** Digests of the content of each repository. */
  const there = new Map<string, Set<string>>(REPOSITORIES.map((name) => [name, new Set()]));
  /** Time until which the 404 for a path may be repeated. */
  const absences = new Map<string, number>();
  const callers = new Map<string, Caller>([
    ['anonymous', createCaller()],
    ['wrong', createCaller({ login: { user: 'alice', password: 'not-of-alice' } })],
  ]);
  /** The password that each user uses. */
  const knownPasswords = new Map<string, string>();
  let count = 0;

  function setPassword(user: string, userKnows: boolean): void {
    // A few passwords in turn, so that an old one may come back.
    const password = `password-${(count += 1) % 4}-of-${user}`;
    upstream.users.set(user, password);
    model.passwords.set(user, password);
    endTokens(user);
    if (!userKnows) return;
    knownPasswords.set(user, password);
    callers.set(user, createCaller({ login: { user, password }, eager: auth === 'basic' && user === 'bob' }));
  }

  function setAccess(name: string, access: { isPublic: boolean; readers: readonly string[] }): void {
    upstream.setAccess(nameOf(name), access.isPublic ? 'public' : access);
    model.setAccess(nameOf(name), access, performance.now());
  }

  function endTokens(user?: string): void {
    upstream.tokens.revoke(user);
    model.endTokens(user);
  }

  function push(name: string, image: TestImage): void {
    upstream.push(nameOf(name), image, 'v1');
    upstream.push(nameOf(name), artifactOf({ artifactType: 'application/vnd.test.note', subject: image }));
    for (const { digest } of [image, ...image.blobs]) there.get(name)?.add(digest);
  }

  async function goUp(): Promise<void> {
    if (!model.isDown) return;
    await upstream.accept();
    // Normal again within 10 s (docs/laws.md, "Do no harm"). Asks for content that no caller has asked for yet.
    const isBack = async (): Promise<boolean> => {
      const unheard = `${setting.larder.registry}/v2/library/public/manifests/none-${number}-${(count += 1)}`;
      return (await get(unheard)).status === 404;
    };
    await waitFor(isBack, { limitMs: 10_000, everyMs: 50 });
    model.goUp(performance.now());
  }

  async function ask(question: Ask): Promise<boolean> {
    const { who, method } = question;
    const repository = nameOf(question.repository);
    const asked = contentOf(images[question.image] as TestImage, shared, question.content);
    const options: GetOptions = method === 'range' ? { headers: { range: 'bytes=5-14' } } : { method };
    upstream.reset();
    const at = performance.now();
    const caller = callers.get(who) as Caller;
    const reply = await caller.ask(setting.larder.registry, repository, asked.path, options);
    model.learn(reply.credential, who === 'anonymous' ? undefined : who, repository);
    if (isGiven(reply)) assertMayBeGiven(question, asked, reply, at);
    else if (!model.isDown) assertMayBeRefused(question, asked, reply, at);
    if (reply.answer.status === 404) {
      absences.set(`${repository}/${asked.path}`, performance.now() + ABSENCE_MS);
    }
    model.follow(upstream.requests, performance.now());
    return isGiven(reply);
  }

  function isThere(name: string, { digest }: Asked): boolean {
    return digest === undefined || there.get(name)?.has(digest) === true;
  }

  function assertMayBeGiven(question: Ask, asked: Asked, { answer, credential }: Reply, at: number): void {
    const { repository: name, content, method } = question;
    const said = `${answer.status} for ${JSON.stringify(question)}`;
    const path = `/v2/${nameOf(name)}/${asked.path}`;
    assert.ok(model.mayGive(credential, nameOf(name), path, at), `more permissive: ${said}`);
    assert.ok(isThere(name, asked), `given although it is not there: ${said}`);
    if (method === 'HEAD') return;
    const from = answer.status === 206 ? 5 : 0;
    assert.ok(answer.complete && asked.body?.matches(answer.body, from) !== false, `wrong bytes: ${said}`);
    if (content === 'tag') assert.ok(there.get(name)?.has(answer.digest ?? ''), `wrong manifest: ${said}`);
  }

  function assertMayBeRefused(question: Ask, asked: Asked, { answer, credential }: Reply, at: number): void {
    const { who, repository: name } = question;
    const { status, headers } = answer;
    const questions = upstream.requests.map((one) => `${one.method} ${one.path} ${one.status}`).join(', ');
    const said = `${status} (${String(headers['cache-status'])}) for ${JSON.stringify(question)}, asked upstream: ${questions}`;
    assert.ok(status < 500, said);
    const isRight =
      who === 'anonymous' ||
      (knownPasswords.has(who) && knownPasswords.get(who) === model.passwords.get(who));
    if (!isRight || !model.mayRead(who, nameOf(name))) return;
    const mayBeAbsent = !isThere(name, asked) || (absences.get(`${nameOf(name)}/${asked.path}`) ?? 0) > at;
    const mayBeShut = credential === undefined && model.hasJustOpened(nameOf(name), at);
    assert.ok((status === 404 && mayBeAbsent) || (status === 401 && mayBeShut), `less permissive: ${said}`);
  }

  for (const user of USERS) setPassword(user, true);
  for (const name of REPOSITORIES) push(name, images[0]);
  setAccess('one', { isPublic: true, readers: [] });
  setAccess('two', { isPublic: false, readers: ['alice'] });

  return {
    end: goUp,
    async take(step) {
      switch (step.do) {
        case 'ask':
          return ask(step);
        case 'push':
          push(step.repository, images[step.image] as TestImage);
          break;
        case 'grant':
        case 'revoke': {
          const { isPublic, readers } = model.accessOf(nameOf(step.repository));
          const others = readers.filter((reader) => reader !== step.user);
          const isGrant = step.do === 'grant';
          setAccess(step.repository, { isPublic, readers: isGrant ? [...others, step.user] : others });
          if (!isGrant) endTokens(step.user);
          break;
        }
        case 'open':
        case 'close': {
          const { readers } = model.accessOf(nameOf(step.repository));
          setAccess(step.repository, { isPublic: step.do === 'open', readers });
          if (step.do === 'close') endTokens();
          break;
        }
        case 'password':
          setPassword(step.user, step.userKnows);
          break;
        case 'expire':
          upstream.advanceClock(301_000);
          model.endTokens();
          break;
        case 'outlive': {
          const end = performance.now() + lifetimes.proofMs;
          await waitFor(() => performance.now() > end, { what: 'all proofs to end' });
          break;
        }
        case 'evict': {
          const filler = blobOf(large, number * 1000 + (count += 1));
          upstream.push('library/public', filler);
          await get(`${setting.larder.registry}/v2/library/public/blobs/${filler.digest}`);
          break;
        }
        case 'restart':
          await setting.restart();
          model.restart();
          break;
        case 'down':
          await upstream.refuse();
          model.goDown();
          break;
        case 'up':
          await goUp();
      }
      return undefined;
    },
  };
}

interface Asked {
  readonly path: string;
  /** Content that must be in the repository; undefined for a tag or list, which always are. */
  readonly digest?: string;
  readonly body?: TestBlob;
}

function contentOf({ digest, blobs }: TestImage, shared: TestBlob, content: Ask['content']): Asked {
  const blob = (body: TestBlob): Asked => ({ path: `blobs/${body.digest}`, digest: body.digest, body });
  switch (content) {
    case 'tag':
      return { path: 'manifests/v1' };
    case 'digest':
      return { path: `manifests/${digest}`, digest };
    case 'config':
      return blob(blobs[0] as TestBlob);
    case 'shared':
      return blob(shared);
    case 'own':
      return blob(blobs[2] as TestBlob);
    case 'referrers':
      return { path: `referrers/${digest}` };
    case 'tags':
      return { path: 'tags/list' };
  }
}
