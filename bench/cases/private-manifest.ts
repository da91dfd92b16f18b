import { basic, get, logIn, type Login } from '../../test/kit/index.ts';
import { cpuSeconds, peakMegabytes } from '../measure/process-usage.ts';
import { compare, type Row } from '../measure/row.ts';
import { takeTurns, type Sample } from '../measure/samples.ts';
import { requestsPerSecond } from '../measure/wrk.ts';
import { introduce } from '../peers/known-callers.ts';
import { startLarder, UPSTREAM, type Larder, type LarderOptions } from '../peers/larder.ts';
import { startOrigin, type Origin, type PushedImage } from '../peers/origin.ts';
import type { Case } from './case.ts';
import { proveManifest } from './proof.ts';

/** Login with a long name. The origin's tokens contain the name and so have 1 KB, like tokens of large registries. */
const READER: Login = { user: 'reader-'.padEnd(1000, 'x'), password: 'may-read-what-is-private' };
const ROBOT: Login = { user: 'robot$project+puller', password: 'may-read-what-is-private' };

/** Names of the upstreams that require a login. */
const BEARER = 'bearer.test';
const BASIC = 'basic.test';
const REALM = 'realm.test';

/**
 * GETs of a stored manifest. Compares callers with a live proof with anonymous callers in a public repository, and one of very many
 * proven callers with a single one. All upstreams are in one configuration. One of them has `realm: Cache`, so Larder checks each Bearer
 * token for being its own.
 */
export const privateManifest: Case = {
  name: 'private-manifest',
  parts: ['wrk'],
  async run({ effort, origin }) {
    await using bearer = await startOrigin({ auth: 'bearer', reader: READER });
    await using basicOrigin = await startOrigin({ auth: 'basic', reader: ROBOT });
    const options = optionsFor({ open: origin, bearer, basic: basicOrigin });
    await using larder = await startLarder(options);
    await using crowded = await startLarder(options);

    const image = await bearer.push(1000);
    const secret = await pushRestricted(bearer);
    const token = await tokenFrom(`${bearer.url}${secret.path}/manifests/latest`);
    const sealed = await tokenFrom(`${larder.url}/v2/${REALM}/${secret.repository}/manifests/latest`);
    const robots = basic(ROBOT.user, ROBOT.password);
    const callers = {
      public: { larder, upstream: BEARER, image, authorization: undefined },
      Bearer: { larder, upstream: BEARER, image: secret, authorization: token },
      Basic: { larder, upstream: BASIC, image: await pushRestricted(basicOrigin), authorization: robots },
      "Larder's token": { larder, upstream: REALM, image: secret, authorization: sealed },
      crowded: { larder: crowded, upstream: BEARER, image: secret, authorization: token },
    } satisfies Record<string, Caller>;

    const common = await origin.push(1000);
    await introduce(effort.knownCallers, `${crowded.url}${pathOf(UPSTREAM, common, 'digest')}`, origin);
    const names = Object.keys(callers) as (keyof typeof callers)[];
    const ask = (name: keyof typeof callers, by: By): Promise<Sample<Quantity>> =>
      measure(callers[name], by, effort.manifestSeconds);
    const byDigest = await takeTurns(names, effort.rounds, (name) => ask(name, 'digest'));
    const byTag = await takeTurns(['public', 'Bearer'], effort.rounds, (name) => ask(name, 'tag'));

    const crowd = `one of ${effort.knownCallers} known callers`;
    const memory = {
      larder: [{ peak: peakMegabytes(crowded.pid) }],
      'the only one': [{ peak: peakMegabytes(larder.pid) }],
    };
    return [
      ...(['Bearer', 'Basic', "Larder's token"] as const).flatMap((name) =>
        rowsOf(`private manifest by digest, ${name}`, byDigest[name], { public: byDigest.public }),
      ),
      ...rowsOf('private manifest by tag, Bearer', byTag.Bearer, { public: byTag.public }),
      ...rowsOf(crowd, byDigest.crowded, { 'the only one': byDigest.Bearer }),
      ...compare({ what: `${crowd}, peak memory`, unit: 'MB', better: 'less' }, memory, 'peak'),
    ];
  },
};

interface Caller {
  readonly larder: Larder;
  readonly upstream: string;
  readonly image: PushedImage;
  readonly authorization: string | undefined;
}

type By = 'digest' | 'tag';
type Quantity = 'rate' | 'cpu';

function optionsFor(origins: Readonly<Record<'open' | 'bearer' | 'basic', Origin>>): LarderOptions {
  return {
    origin: origins.open.url,
    furtherCaches: [
      { upstream: BEARER, remoteURL: origins.bearer.url },
      { upstream: BASIC, remoteURL: origins.basic.url },
      { upstream: REALM, remoteURL: origins.bearer.url, authentication: { realm: 'Cache' } },
    ],
  };
}

async function pushRestricted(origin: Origin): Promise<PushedImage> {
  const image = await origin.push(1000);
  await origin.restrict(image.repository);
  return image;
}

/** Gets the `Authorization` for the challenge in the 401 at `url`, with the login of the reader. */
async function tokenFrom(url: string): Promise<string> {
  const { headers } = await get(url);
  const authorization = await logIn(String(headers['www-authenticate']), READER);
  if (authorization === undefined) throw new Error(`${url} sent no challenge`);
  return authorization;
}

/** Path of the manifest for a client that names the upstream in the path. */
function pathOf(upstream: string, { repository, manifest }: PushedImage, by: By): string {
  return `/v2/${upstream}/${repository}/manifests/${by === 'digest' ? manifest : 'latest'}`;
}

async function measure(
  { larder, upstream, image, authorization }: Caller,
  by: By,
  seconds: number,
): Promise<Sample<Quantity>> {
  const url = `${larder.url}${pathOf(upstream, image, by)}`;
  // The first read fills the cache and leaves the proof of access, the second one is warm.
  await proveManifest(url, image, authorization);
  await proveManifest(url, image, authorization);
  const before = cpuSeconds(larder.pid);
  const rate = await requestsPerSecond(url, seconds, authorization);
  return { rate, cpu: ((cpuSeconds(larder.pid) - before) * 1e6) / (rate * seconds) };
}

function rowsOf(
  what: string,
  larder: readonly Sample<Quantity>[],
  other: Readonly<Record<string, readonly Sample<Quantity>[]>>,
): Row[] {
  const samples = { larder, ...other };
  return [
    ...compare({ what, unit: 'answers/s', better: 'more' }, samples, 'rate'),
    ...compare({ what: `${what}, CPU`, unit: 'us/answer', better: 'less' }, samples, 'cpu'),
  ];
}
