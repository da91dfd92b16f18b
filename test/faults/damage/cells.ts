/** The table of cells: each kind of damage, while it runs and while it was stopped, at each state of the upstream, as it is read. */
import {
  blobFrom,
  blobOf,
  imageOf,
  type LarderProcess,
  type TestBlob,
  type TestImage,
  type Upstream,
} from '../../kit/index.ts';
import { blobUrl, manifestUrl, MiB } from '../setting.ts';
import { contentsOf } from './contents.ts';
import { DAMAGES, type Damage } from './kinds.ts';
import { ask, askInParts, type Verdict } from './verdict.ts';

/** A blob as a whole or in ranges, a manifest by digest and tag; or a blob that Distribution stored, as a whole. */
export type Reading = 'whole' | 'range' | 'manifest' | 'adopted';
export type Moment = 'running' | 'stopped';
export type UpstreamState = 'up' | 'down' | 'refusing';

export const MOMENTS: readonly Moment[] = ['running', 'stopped'];
export const READINGS: readonly Reading[] = ['whole', 'range', 'manifest', 'adopted'];
export const UPSTREAM_STATES: readonly UpstreamState[] = ['up', 'down', 'refusing'];

export interface Cell {
  readonly damage: Damage;
  readonly reading: Reading;
  readonly moment: Moment;
  readonly upstream: UpstreamState;
  /** A repository of this cell alone, so that a refusal concerns no other cell. */
  readonly repository: string;
  /** The damaged blobs: one, or two of equal size for a mutual damage. */
  readonly contents: readonly TestBlob[];
  /** The same as manifests, when those are what is read. */
  readonly images: readonly TestImage[];
  /** Stays whole. */
  readonly neighbour: TestBlob;
  /** Status that a refusing upstream answers. */
  readonly refusal: number;
}

/** Many chunks, and an end that fills none. */
const BLOB_BYTES = MiB + 12_345;

/** An adopted blob is read as a whole before anything is sent, whatever its size. */
const ADOPTED_BYTES = MiB + 12_345;

const REFUSALS = [403, 401, 404];

/** All cells that are read so. The same call gives the same cells. */
export function cellsOf(readings: readonly Reading[]): Cell[] {
  const places = readings.flatMap((reading) =>
    MOMENTS.flatMap((moment) =>
      UPSTREAM_STATES.flatMap((upstream) => DAMAGES.map((damage) => ({ reading, moment, upstream, damage }))),
    ),
  );
  const size = readings.includes('adopted') ? ADOPTED_BYTES : BLOB_BYTES;
  const blobs = contentsOf(size, 2 * places.length);
  return places.map((place, index) => {
    const [first, second] = [2 * index, 2 * index + 1];
    const numbers = place.damage.isMutual === true ? [first, second] : [first];
    // Seeds of four digits: two manifests are to have one size.
    const images =
      place.reading === 'manifest' ? numbers.map((number) => imageOf({ seed: 1000 + number })) : [];
    return {
      ...place,
      repository: `cells/${index}`,
      contents: numbers.map((number, at) => {
        const image = images[at];
        return image === undefined ? (blobs[number] as TestBlob) : blobFrom(image.bytes);
      }),
      images,
      neighbour: blobOf(1000, 5000 + index),
      refusal: REFUSALS[index % REFUSALS.length] as number,
    };
  });
}

/** URL of a cell's content at `larder`, and the blob that it must give. */
export interface Address {
  readonly url: string;
  readonly blob: TestBlob;
}

/** Gives the upstream what the cell is about. */
export function pushCell(upstream: Upstream, { repository, contents, images, neighbour }: Cell): void {
  upstream.push(repository, neighbour);
  for (const image of images) upstream.push(repository, image, tagOf(image.digest));
  if (images.length === 0) for (const blob of contents) upstream.push(repository, blob);
}

/** URLs of the content: a blob by its digest, a manifest by its digest and by its tag. */
export function addressesOf(larder: LarderProcess, { reading, repository, contents }: Cell): Address[] {
  return contents.flatMap((blob) =>
    reading === 'manifest'
      ? [blob.digest, tagOf(blob.digest)].map((name) => ({
          url: manifestUrl(larder, repository, name),
          blob,
        }))
      : [{ url: blobUrl(larder, repository, blob), blob }],
  );
}

/** Reads what was damaged, as this cell reads, and gives each answer's verdict. */
export async function read(larder: LarderProcess, cell: Cell): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { url, blob } of addressesOf(larder, cell)) {
    if (cell.reading === 'range') verdicts.push(...(await askInParts(url, blob)));
    else verdicts.push((await ask(url, blob)).verdict);
  }
  return verdicts;
}

function tagOf(digest: string): string {
  return `v${digest.slice(-8)}`;
}
