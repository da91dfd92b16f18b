import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { waitFor, type TestImage } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { pushImage } from '../parts/push.ts';
import type { Registry, RegistryAuth } from '../parts/start-registry.ts';
import type { Account } from '../parts/token-server.ts';
import type { Pull } from './client-table.ts';
import { privateImage } from './private-content.ts';
import { ALICE, OWNER, startPrivateSetting } from './private-setting.ts';
import { assertPulled, assertRefused } from './pull-assertions.ts';
import { NODES, PULLERS, REGISTRY_NAME, type Puller } from './pullers.ts';

const PROOF_MS = 2000;
/** Time by which an answer that was under way at the change may delay the beginning of a proof. */
const SLACK_MS = 3000;

const CHANGED: Account = { ...ALICE, password: 'of-alice-too' };
/** Images that are pulled in turn, so that pulls find the cache cold and warm, before and after the change. */
const IMAGES = Array.from({ length: 8 }, (_, index) => privateImage(index));
const REPOSITORIES = IMAGES.map((_, index) => `secret/${index}`);

interface Change {
  readonly title: string;
  readonly auth: RegistryAuth;
  readonly make: (registry: Registry) => Promise<void> | void;
  /** Milliseconds for which the old credential may still work after the change. */
  readonly old: number;
  /** True if {@link CHANGED} works after the change. */
  readonly replaced: boolean;
}

const BASIC: RegistryAuth = { kind: 'basic', account: OWNER };
const TOKENS: RegistryAuth = { kind: 'token', account: OWNER, publicPull: false };

/** Changes of access. Each pull gets a new token, so a decision of the token server applies from the next pull on. */
const CHANGES: readonly Change[] = [
  {
    title: 'a password is changed (Basic)',
    auth: BASIC,
    make: (registry) => registry.allow(CHANGED, REPOSITORIES),
    old: PROOF_MS + SLACK_MS,
    replaced: true,
  },
  {
    title: 'an account is removed (Basic)',
    auth: BASIC,
    make: (registry) => registry.forget(ALICE.username),
    old: PROOF_MS + SLACK_MS,
    replaced: false,
  },
  {
    title: 'a password is changed (tokens)',
    auth: TOKENS,
    make: (registry) => registry.allow(CHANGED, REPOSITORIES),
    old: 0,
    replaced: true,
  },
  {
    title: 'a right is withdrawn (tokens)',
    auth: TOKENS,
    make: (registry) => registry.allow(ALICE, []),
    old: 0,
    replaced: false,
  },
];

for (const kind of [PULLERS.find(({ name }) => name === 'crane pull')!, NODES.at(-1)!]) {
  describe(`${kind.name} while`, requireParts(['registry3', 'htpasswd', ...kind.parts]), () => {
    for (const { title, auth, make, old, replaced } of CHANGES) {
      test(`${title}: a valid credential pulls, an invalid one is refused`, async () => {
        await using setting = await startPrivateSetting({
          upstreams: { [REGISTRY_NAME]: { part: 'registry3', auth } },
          authentication: { realm: 'Upstream', proofLifetime: `${PROOF_MS}ms` },
          fill,
        });
        await using firstPuller = await kind.start(setting.larder);
        await using secondPuller = await kind.start(setting.larder);
        await using before = keepPulling(firstPuller, ALICE);
        await using after = keepPulling(secondPuller, CHANGED);
        const bothTried = { what: 'pulls before the change', limitMs: 60_000 };
        await waitFor(() => before.attempts.length >= 5 && after.attempts.length >= 5, bothTried);
        const changes = performance.now();
        await make(setting.registries[REGISTRY_NAME]);
        const changed = performance.now();
        const bothTriedAgain = { what: 'pulls after the change', limitMs: 60_000 };
        await waitFor(
          () => beganAfter(before, changed + old).length >= 5 && beganAfter(after, changed).length >= 5,
          bothTriedAgain,
        );
        await Promise.all([before.stop(), after.stop()]);

        for (const { pull, image } of endedBefore(before, changes)) assertPulled(pull, image);
        for (const { pull, image } of endedBefore(after, changes)) assertRefused(pull, image);
        for (const { pull, image } of beganAfter(before, changed + old)) assertRefused(pull, image);
        for (const { pull, image } of beganAfter(after, changed)) {
          (replaced ? assertPulled : assertRefused)(pull, image);
        }
      });
    }
  });
}

interface Attempt {
  readonly image: TestImage;
  readonly began: number;
  readonly ended: number;
  readonly pull: Pull;
}

interface Attempts extends AsyncDisposable {
  readonly attempts: readonly Attempt[];
  /** Stops after the running pull. Throws the error of a client that could not be run. */
  stop(): Promise<void>;
}

/** Pulls one image after the other without a pause, until it is stopped or disposed. */
function keepPulling(puller: Puller, account: Account): Attempts {
  const attempts: Attempt[] = [];
  const end = new AbortController();
  const work = (async () => {
    while (!end.signal.aborted) {
      const index = attempts.length % IMAGES.length;
      const began = performance.now();
      const pull = await puller.pull(`${REPOSITORIES[index]!}:v1`, account);
      attempts.push({ image: IMAGES[index]!, began, ended: performance.now(), pull });
    }
  })();
  const stop = (): Promise<void> => {
    end.abort();
    return work;
  };
  return { attempts, stop, [Symbol.asyncDispose]: stop };
}

function endedBefore({ attempts }: Attempts, time: number): readonly Attempt[] {
  const found = attempts.filter(({ ended }) => ended < time);
  assert.ok(found.length > 0, 'no pull ended before the change');
  return found;
}

function beganAfter({ attempts }: Attempts, time: number): readonly Attempt[] {
  return attempts.filter(({ began }) => began > time);
}

async function fill(registry: Registry): Promise<void> {
  for (const [index, image] of IMAGES.entries()) await pushImage(registry, REPOSITORIES[index]!, image, 'v1');
  await registry.allow(ALICE, REPOSITORIES);
}
