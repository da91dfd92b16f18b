import { setTimeout as pause } from 'node:timers/promises';
import { connectRaw, type RawConnection } from '../../kit/index.ts';
import { oddRequest, usualTarget } from './odd-requests.ts';
import type { Random } from './random.ts';
import type { Source, Target } from './setting.ts';
import { COLD } from './shelf.ts';

/** One call of a client that does as no client should. It never minds how it is treated. Gives how many requests it sent. */
export async function intrude({ larder, sources }: Target, random: Random): Promise<number> {
  const source = random.pick(sources);
  const listener = random.chance(0.15) ? larder.admin : larder.registry;
  // TLS is spoken with, or to the wrong listener, or not at all.
  const url = random.chance(0.9) ? listener : listener.replace('https:', 'http:');
  const connected = await connectRaw(url).catch(() => undefined);
  if (connected === undefined) return 0;
  using client = connected;
  const kind = random.weighted({
    odd: 5,
    reset: 5,
    crowd: 2,
    half: 3,
    pipeline: 4,
    slow: 2,
    garbage: 2,
    idle: 1,
  });
  const sent = await INTRUSIONS[kind](
    client,
    random,
    kind === 'crowd' ? (sources[0] as Source) : source,
    url,
  );
  leave(client, random);
  return sent;
}

type Intrusion = (client: RawConnection, random: Random, source: Source, url: string) => Promise<number>;

const INTRUSIONS = {
  async odd(client, random, source) {
    await client.send(oddRequest(random, source));
    await stay(random, 200);
    return 1;
  },

  /** Gone right after the request, or with the first bytes of its answer. */
  async reset(client, random, source) {
    await client.send(usualRequest(random, source));
    await stay(random, random.pick([0, 0, 1, 5, 50]));
    client.reset();
    return 1;
  },

  /** Several for one manifest that nobody has asked for yet, all gone at once: as containerd when one of its requests has failed. */
  async crowd(client, random, { upstream, shelf }, url) {
    const others = await Promise.allSettled([1, 2, 3].map(() => connectRaw(url)));
    const crowd = [client, ...others.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))];
    const target = `/v2/${upstream.host}/${COLD}/manifests/${random.pick(shelf.cold)}`;
    await Promise.all(crowd.map((one) => one.send(`GET ${target} HTTP/1.1\r\nHost: larder\r\n\r\n`)));
    for (const one of crowd) one.reset();
    return crowd.length;
  },

  /** A part of a request, and then nothing, or the rest of it after a while. */
  async half(client, random, source) {
    const request = usualRequest(random, source);
    const cut = random.int(request.length);
    await client.send(request.slice(0, cut));
    await stay(random, 50);
    if (random.chance(0.5)) return 0;
    await client.send(request.slice(cut));
    client.halfClose();
    await stay(random, 200);
    return 1;
  },

  /** Several at once, and away in the middle of the answers. */
  async pipeline(client, random, source) {
    const count = 2 + random.int(7);
    const requests = Array.from({ length: count }, () =>
      random.chance(0.8) ? usualRequest(random, source) : oddRequest(random, source),
    );
    if (random.chance(0.2)) client.pause();
    await client.send(requests.join(''));
    await stay(random, 200);
    if (random.chance(0.2)) await client.send(noise(random));
    return count;
  },

  /** Asks for much and reads nothing of it. */
  async slow(client, random, source) {
    client.pause();
    await client.send(usualRequest(random, source).repeat(1 + random.int(3)));
    await stay(random, 500);
    return 1;
  },

  async garbage(client, random) {
    await client.send(noise(random));
    await stay(random, 50);
    return 0;
  },

  async idle(_client, random) {
    await stay(random, 50);
    return 0;
  },
} as const satisfies Record<string, Intrusion>;

function usualRequest(random: Random, source: Source): string {
  const range = random.chance(0.3) ? `Range: bytes=${random.int(100_000)}-\r\n` : '';
  const method = random.chance(0.85) ? 'GET' : 'HEAD';
  return `${method} ${usualTarget(random, source)} HTTP/1.1\r\nHost: larder\r\n${range}\r\n`;
}

function noise(random: Random): Buffer | string {
  return random.pick<Buffer | string>([
    random.bytes(1 + random.int(300)),
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\r\n\r\n\r\n',
    'GET\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    // The beginning of a TLS handshake.
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
  ]);
}

/** In order or not, or not at all: then the connection ends as its owner forgets it. */
function leave(client: RawConnection, random: Random): void {
  const how = random.pick(['reset', 'halfClose', 'close'] as const);
  if (how !== 'close') client[how]();
}

/** As long as such a client stays: somewhere between not at all and `mostMs`. */
async function stay(random: Random, mostMs: number): Promise<void> {
  if (mostMs > 0) await pause(random.int(mostMs));
}
