import {
  artifactOf,
  blobOf,
  imageOf,
  indexOf,
  zeroByteBlob,
  type TestBlob,
  type TestImage,
  type Upstream,
} from '../../kit/index.ts';

/** Content of an upstream in each of {@link REPOSITORIES}. */
export interface Shelf {
  /** Images by tag. An index has its images beside it. */
  readonly tags: ReadonlyMap<string, TestImage>;
  /** Blobs by digest, alone or as layers and configs. */
  readonly blobs: ReadonlyMap<string, TestBlob>;
  /** Digests of manifests in {@link COLD}, for those who want one that nobody has asked for since the start. */
  readonly cold: readonly string[];
}

export const PUBLIC = 'team/app';
/** Alice's, where the upstream knows who asks. */
export const PRIVATE = 'team/secret';
export const REPOSITORIES = [PUBLIC, PRIVATE] as const;
/** Public, and asked for by nobody else. */
export const COLD = 'team/cold';

const KiB = 1 << 10;
const MiB = 1 << 20;
const IMAGES = 10;
const COLD_MANIFESTS = 200;
/** Around what is held back until it is proven (64 KiB) and what is read at a time (512 KiB), and larger than a small budget. */
const LAYERS = [0, 1, 700, 64 * KiB, 64 * KiB + 1, 100_000, 400_000, 512 * KiB + 50];
const LARGE = [MiB + 1, 3 * MiB];

/** Fills the upstream with content of its own, `number` being its number. */
export function fillShelf(upstream: Upstream, number: number): Shelf {
  const first = number * 1000;
  const images = Array.from({ length: IMAGES }, (_, index) =>
    imageOf({
      seed: first + index,
      layers: [LAYERS[index % LAYERS.length] ?? 0, LAYERS[(index * 3 + 1) % LAYERS.length] ?? 0].map(
        (size, layer) => (size === 0 ? zeroByteBlob() : blobOf(size, first + 20 * index + layer)),
      ),
      format: index % 3 === 0 ? 'docker' : 'oci',
      algorithm: index % 5 === 4 ? 'sha512' : 'sha256',
    }),
  );
  const index = indexOf([images[1], images[2]] as TestImage[]);
  const tags = new Map<string, TestImage>(images.map((image, at) => [`v${at}`, image]));
  tags.set('list', index);
  const lone = LARGE.map((size, at) => blobOf(size, first + 500 + at));
  for (const repository of REPOSITORIES) {
    for (const [tag, image] of tags) upstream.push(repository, image, tag);
    for (const blob of lone) upstream.push(repository, blob);
    upstream.push(repository, artifactOf({ artifactType: 'application/vnd.test.note', subject: index }));
  }
  const cold = Array.from({ length: COLD_MANIFESTS }, (_, at) =>
    artifactOf({ artifactType: 'application/vnd.test.note', annotations: { number: `${first} ${at}` } }),
  );
  for (const one of cold) upstream.push(COLD, one);
  upstream.setAccess(PRIVATE, { readers: ['alice', 'service'] });
  const blobs = [...images.flatMap((image) => image.blobs), ...lone];
  return {
    tags,
    blobs: new Map(blobs.map((blob) => [blob.digest, blob])),
    cold: cold.map(({ digest }) => digest),
  };
}
