import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import type { Documents } from '../../store/types.ts';
import { MAX_LIFE_MS } from './token-contents.ts';

/** A key that seals tokens. */
export interface TokenKey {
  readonly id: string;
  readonly secret: KeyObject;
}

/** The keys of tokens: a new key each day, and older keys as long as a token sealed with one may live. */
export interface KeyRing {
  /** The key to seal with. */
  current(): Promise<TokenKey>;
  /**
   * The key with this id. An unknown key is looked up in the store, where another replica may have put it, every 5 s at
   * most.
   */
  find(id: string): Promise<TokenKey | undefined>;
}

export interface KeyRingDeps {
  readonly store: Documents;
  readonly clock: Clock;
  readonly logger: Logger;
}

const DOCUMENT = 'token-keys.json';
const DAY_MS = 24 * 3600_000;
/** Allowed difference between the clocks of replicas. */
const SKEW_MS = 5 * 60_000;
const LOOK_INTERVAL_MS = 5_000;
/** AES-256. */
const KEY_BYTES = 32;

/**
 * Makes a {@link KeyRing} whose keys are in the store: they outlive the process, and replicas with one store share them. A
 * replica that finds its own key missing there, because another wrote at the same moment, puts it back. An unreadable or
 * unwritable store, or a damaged document, costs only tokens: clients then ask for new ones.
 */
export function createKeyRing({ store, clock, logger }: KeyRingDeps): KeyRing {
  /** Newest first. */
  let keys: readonly DatedKey[] = [];
  let lookedAt = -Infinity;
  const flights = new SingleFlight<typeof DOCUMENT, void>();

  async function synchronise(): Promise<void> {
    lookedAt = clock.monotonic();
    const stored = await read();
    keys = unexpired([...keys, ...(stored ?? [])], clock.now());
    if (!keys.some(isYoung)) keys = [createKey(clock.now()), ...keys];
    const isStored = ({ id }: DatedKey): boolean => stored?.some((key) => key.id === id) === true;
    // An unreadable document must not be overwritten: it may hold keys of other replicas.
    if (stored !== undefined && !keys.every(isStored)) await write();
  }

  async function read(): Promise<DatedKey[] | undefined> {
    let content: Buffer | undefined;
    try {
      content = await store.readDocument(DOCUMENT);
    } catch (error) {
      logger.warn('cannot read the token keys; those in memory stay in use', { error: errorText(error) });
      return undefined;
    }
    if (content === undefined) return [];
    const parsed = parse(content);
    if (parsed === undefined) {
      logger.warn('token keys are damaged and were replaced; callers will ask for new tokens', {
        event: 'token-keys-damaged',
      });
    }
    return parsed ?? [];
  }

  async function write(): Promise<void> {
    try {
      await store.writeDocument(DOCUMENT, format(keys));
    } catch (error) {
      logger.warn('cannot store the token keys; tokens end with this process', {
        error: errorText(error),
      });
    }
  }

  function isYoung({ createdAt }: DatedKey): boolean {
    const age = clock.now() - createdAt;
    return age >= -SKEW_MS && age < DAY_MS;
  }

  return {
    async current() {
      if (!keys.some(isYoung)) await flights.do(DOCUMENT, synchronise);
      return keys.find(isYoung) as DatedKey;
    },
    async find(id) {
      const find = (): DatedKey | undefined => unexpired(keys, clock.now()).find((key) => key.id === id);
      if (find() === undefined && clock.monotonic() - lookedAt >= LOOK_INTERVAL_MS)
        await flights.do(DOCUMENT, synchronise);
      return find();
    },
  };
}

interface DatedKey extends TokenKey {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

function createKey(now: number): DatedKey {
  return {
    id: randomBytes(9).toString('base64url'),
    secret: createSecretKey(randomBytes(KEY_BYTES)),
    createdAt: now,
  };
}

/**
 * Keys that have not expired, each once, newest first. A key from the far future was made while the clock was wrong, and
 * would never expire.
 */
function unexpired(keys: readonly DatedKey[], now: number): DatedKey[] {
  const byId = new Map(keys.map((key) => [key.id, key]));
  return [...byId.values()]
    .filter(({ createdAt }) => now - createdAt < DAY_MS + MAX_LIFE_MS + SKEW_MS && createdAt - now < DAY_MS)
    .sort((a, b) => b.createdAt - a.createdAt);
}

const STORED = z.object({
  keys: z.array(
    z.object({
      id: z.string().min(1),
      key: z.base64url(),
      createdAt: z.number(),
    }),
  ),
});

function parse(content: Buffer): DatedKey[] | undefined {
  try {
    const { keys } = STORED.parse(JSON.parse(content.toString('utf8')));
    return keys.map(({ id, key, createdAt }) => ({ id, secret: secretOf(key), createdAt }));
  } catch {
    return undefined;
  }
}

function secretOf(text: string): KeyObject {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== KEY_BYTES) throw new RangeError(`expected ${KEY_BYTES} bytes`);
  return createSecretKey(bytes);
}

function format(keys: readonly DatedKey[]): Buffer {
  const stored = keys.map(({ id, secret, createdAt }) => ({
    id,
    key: secret.export().toString('base64url'),
    createdAt,
  }));
  return Buffer.from(JSON.stringify({ keys: stored }));
}
