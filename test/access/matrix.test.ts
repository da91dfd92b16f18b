/**
 * Every caller asks for every kind of content, through the cache and directly, at the same moment. The cache serves exactly
 * the callers that the upstream serves, whether the content is cached or not and whichever caller fetched it.
 */
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import {
  artifactOf,
  blobOf,
  get,
  imageOf,
  logIn,
  waitFor,
  type GetOptions,
  type TestImage,
  type Upstream,
} from '../kit/index.ts';
import { shareLarder, type SharedCache } from '../faults/shared-larder.ts';
import { createCaller, isGiven, type Caller, type Reply } from './caller.ts';

const PASSWORDS = {
  alice: 'correct-horse-1',
  bob: 'battery-staple-2',
  carol: 'reads-everything-3',
  dave: 'not-yet-this-one-4',
};
const WRONG = 'to-be-the-new-one-5';
const SCHEMES = ['bearer', 'basic'] as const;
const METHODS = ['GET', 'HEAD', 'range'] as const;
type Method = (typeof METHODS)[number];

const PROOF_LIFETIME = '1s';
/**
 * Time for changes to take effect. An anonymous refusal is remembered for 5 s (decision 0005), longer than proofs live here; the rest
 * is time to ask every question again.
 */
const SETTLED_MS = 12_000;

const shared = shareLarder();

const tally = { cells: 0, 'more permissive': 0, 'less permissive': 0, different: 0 };
after(() => {
  const { cells, 'more permissive': more, 'less permissive': less, different } = tally;
  console.log(
    `matrix: ${cells} cells; wrong: ${more} more permissive, ${less} less permissive, ${different} with another status or content`,
  );
});

for (const scheme of SCHEMES) {
  suite(`a ${scheme} upstream`, () => {
    const [openCold, openWarm, openChanging] = [settingOf(scheme), settingOf(scheme), settingOf(scheme)];
    test('cold: no caller has asked the cache before', async () => {
      const setting = await openCold();
      const { upstream, callers } = setting;
      const parts = [];
      for (const [name, caller] of Object.entries(callers)) {
        for (const method of METHODS) {
          const rooms = furnish(upstream, `cold/${parts.length}`);
          parts.push(await compare(setting, { [name]: caller }, rooms, [method]));
        }
      }
      assertRight(parts.flat());
    });

    test('warm: a caller that may read everything has pulled it through the cache', async () => {
      const setting = await openWarm();
      const rooms = furnish(setting.upstream, 'warm');
      await warm(setting, rooms);
      assertRight(await compare(setting, setting.callers, rooms));
    });

    test('after rights were withdrawn and granted: a grant counts at once, a withdrawal when the proofs have ended', async () => {
      const setting = await openChanging();
      const { upstream, callers } = setting;
      const rooms = furnish(upstream, 'changing');
      await warm(setting, rooms);
      await compare(setting, callers, rooms);

      upstream.setAccess(rooms.public.repository, { readers: ['alice', 'carol'] });
      upstream.setAccess(rooms.alice.repository, { readers: ['bob', 'carol'] });
      upstream.setAccess(rooms.bob.repository, 'public');
      upstream.users.set('dave', WRONG);
      upstream.tokens.revoke();

      for (const [caller, room] of [
        [callers.bob, rooms.alice],
        [callers.alice, rooms.bob],
        [callers['wrong password'], rooms.bob],
      ] as const) {
        const path = `manifests/${room.image.digest}`;
        assert.equal((await askCache(setting, caller, room.repository, path)).answer.status, 200);
      }
      let cells: readonly Cell[] = [];
      const isSettled = async (): Promise<boolean> => {
        // Callers that keep their credentials, and the same users without any yet.
        const [before, fresh] = [callers, setting.newcomers()];
        cells = [...(await compare(setting, before, rooms)), ...(await compare(setting, fresh, rooms))];
        return cells.every(({ fault }) => fault === undefined);
      };
      await waitFor(isSettled, { limitMs: SETTLED_MS, everyMs: 1500 }).catch(() => {});
      assertRight(cells);
    });
  });
}

interface Setting extends SharedCache {
  readonly callers: Callers;
  /** The same users as new callers, without a credential. */
  newcomers(): Callers;
}

type Callers = Readonly<Record<CallerName, Caller>>;

type CallerName = 'anonymous' | 'alice' | 'bob' | 'wrong password' | 'expired token';

/** Declares an upstream with its accounts, an empty cache before it, and the callers. A test opens it once. */
function settingOf(scheme: (typeof SCHEMES)[number]): () => Promise<Setting> {
  const start = shared.add(
    { auth: scheme, users: PASSWORDS, publicWithoutToken: scheme === 'basic' },
    { authentication: { proofLifetime: PROOF_LIFETIME } },
  );
  const eager = scheme === 'basic';
  return async () => {
    const running = await start();
    const header = await expiredToken(running.upstream);
    const newcomers = (): Callers => ({
      anonymous: createCaller(),
      alice: createCaller({ login: { user: 'alice', password: PASSWORDS.alice } }),
      bob: createCaller({ login: { user: 'bob', password: PASSWORDS.bob }, eager }),
      'wrong password': createCaller({ login: { user: 'dave', password: WRONG }, eager }),
      'expired token': createCaller({ header }),
    });
    return { ...running, callers: newcomers(), newcomers };
  };
}

/** An expired token that alice got for her repositories; at a Basic upstream a header that it does not know. */
async function expiredToken(upstream: Upstream): Promise<string> {
  upstream.push('before/alice', blobOf(10, 1));
  upstream.setAccess('before/alice', { readers: ['alice'] });
  const { headers } = await get(`${upstream.url}/v2/before/alice/manifests/v1`);
  const challenge = String(headers['www-authenticate']);
  if (challenge.startsWith('Basic')) return 'Bearer of-another-registry';
  const token = await logIn(challenge, { user: 'alice', password: PASSWORDS.alice });
  upstream.advanceClock(301_000);
  return token ?? '';
}

interface Room {
  readonly repository: string;
  readonly image: TestImage;
}

interface Rooms {
  readonly public: Room;
  readonly alice: Room;
  readonly bob: Room;
}

let furnished = 0;

/** Three repositories with content of their own; the first layers of alice's and bob's are the same. */
function furnish(upstream: Upstream, prefix: string): Rooms {
  const seed = (furnished += 1) * 10;
  const shared = blobOf(3000, seed);
  const room = (name: string, offset: number, first = blobOf(1000, seed + offset)): Room => {
    const image = imageOf({ seed: seed + offset, layers: [first, 2000 + offset] });
    const repository = `${prefix}/${name}`;
    upstream.push(repository, image, 'v1', `only-${name}`);
    upstream.push(repository, artifactOf({ artifactType: 'application/vnd.test.signature', subject: image }));
    return { repository, image };
  };
  const rooms = { public: room('public', 1), alice: room('alice', 2, shared), bob: room('bob', 3, shared) };
  upstream.setAccess(rooms.alice.repository, { readers: ['alice', 'carol'] });
  upstream.setAccess(rooms.bob.repository, { readers: ['bob', 'carol'] });
  return rooms;
}

/** Paths asked for in every repository: its own content, and the layer that alice's and bob's share. */
function pathsOf({ image }: Room, { alice }: Rooms): string[] {
  const [config, , own] = image.blobs;
  return [
    'manifests/v1',
    `manifests/${image.digest}`,
    `blobs/${config?.digest}`,
    `blobs/${alice.image.layers[0]?.digest}`,
    `blobs/${own?.digest}`,
    `referrers/${image.digest}`,
    'tags/list',
  ];
}

async function warm(setting: Setting, rooms: Rooms): Promise<void> {
  const carol = createCaller({ login: { user: 'carol', password: PASSWORDS.carol } });
  for (const room of [rooms.public, rooms.alice, rooms.bob]) {
    for (const path of pathsOf(room, rooms)) await askCache(setting, carol, room.repository, path);
  }
}

interface Cell {
  /** The caller and its request. */
  readonly question: string;
  readonly fault?: Fault | undefined;
}

interface Fault {
  readonly kind: 'more permissive' | 'less permissive' | 'different';
  readonly detail: string;
}

/** Counts the cells, and fails if one of them is wrong. */
function assertRight(cells: readonly Cell[]): void {
  tally.cells += cells.length;
  const wrong = cells.filter((cell) => cell.fault !== undefined);
  for (const { fault } of wrong) if (fault) tally[fault.kind] += 1;
  assert.deepEqual(
    wrong.map(({ question, fault }) => `${question}: ${fault?.kind}, ${fault?.detail}`),
    [],
  );
}

/** Asks every question. The callers run side by side; each asks one question after the other. */
async function compare(
  setting: Setting,
  callers: Readonly<Record<string, Caller>>,
  rooms: Rooms,
  methods: readonly Method[] = METHODS,
): Promise<readonly Cell[]> {
  const cells = await Promise.all(
    Object.entries(callers).map(async ([name, caller]) => {
      const own: Cell[] = [];
      for (const room of [rooms.public, rooms.alice, rooms.bob]) {
        for (const path of pathsOf(room, rooms)) {
          for (const method of methods) {
            if (method === 'range' && !path.startsWith('blobs/')) continue;
            const fault = await faultOf(setting, caller, { repository: room.repository, path, method });
            own.push({ question: `${name}: ${method} ${room.repository}/${path}`, fault });
          }
        }
      }
      return own;
    }),
  );
  return cells.flat();
}

/**
 * Asks cache and upstream the same question. If the cache answered without a challenge and without a credential, the upstream
 * is asked anonymously too: a client that is not challenged never shows its login.
 */
async function faultOf(
  setting: Setting,
  caller: Caller,
  { repository, path, method }: { repository: string; path: string; method: Method },
): Promise<Fault | undefined> {
  const options: GetOptions = method === 'range' ? { headers: { range: 'bytes=100-299' } } : { method };
  const cached = await askCache(setting, caller, repository, path, options);
  const isUnchallenged = cached.credential === undefined && cached.answer.status !== 401;
  const direct = await (isUnchallenged ? createCaller() : caller).ask(
    setting.upstream.url,
    repository,
    path,
    options,
  );
  const detail = `${cached.answer.status} instead of ${direct.answer.status}`;
  if (isGiven(cached) && !isGiven(direct)) return { kind: 'more permissive', detail };
  if (!isGiven(cached) && isGiven(direct)) return { kind: 'less permissive', detail };
  const difference = differenceOf(cached, direct);
  return difference === undefined ? undefined : { kind: 'different', detail: difference };
}

function askCache(
  { larder }: Setting,
  caller: Caller,
  repository: string,
  path: string,
  options?: GetOptions,
): Promise<Reply> {
  return caller.ask(larder.registry, `${larder.alias}/${repository}`, path, options);
}

function differenceOf(cached: Reply, direct: Reply): string | undefined {
  const [one, other] = [cached.answer, direct.answer];
  // The cache answers 403 because containerd repeats a Basic login refused with 401.
  const isRefusedBasic =
    direct.credential?.startsWith('Basic ') && other.status === 401 && one.status === 403;
  if (one.status !== other.status && !isRefusedBasic) return `${one.status} instead of ${other.status}`;
  if (!isGiven(direct)) return undefined;
  if (!one.complete || !one.body.equals(other.body)) return 'other content';
  for (const name of ['docker-content-digest', 'content-type', 'content-range']) {
    if (one.headers[name] !== other.headers[name]) {
      return `${name} ${String(one.headers[name])} instead of ${String(other.headers[name])}`;
    }
  }
  return undefined;
}
