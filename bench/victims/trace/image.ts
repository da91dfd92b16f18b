import type { Random } from './random.ts';

export type ItemKind = 'manifest' | 'config' | 'layer';

/** An object with a digest. */
export interface Item {
  readonly kind: ItemKind;
  readonly size: number;
}

export interface Image {
  readonly manifest: Item;
  readonly config: Item;
  /** Layers of the base first. */
  readonly layers: readonly Item[];
}

/** A pull of an image by a node or a CI machine. */
export interface Pull {
  readonly at: number;
  readonly image: Image;
  /** Share of the lower half of the layers that the machine already has. */
  readonly has: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/**
 * Creates a layer of log-normal size: a median of 2 MiB, a tenth above 34 MiB, a hundredth above 330 MiB, few in the GiB. Studies of
 * registries found this shape: most layers are small, and few have most of the bytes (Anwar et al., FAST 2018; Zhao et al., CLUSTER 2019).
 * The parameters are ours.
 */
export function newLayer(random: Random, median = 2 * MIB, sigma = 2.2): Item {
  const size = Math.min(10 * GIB, Math.max(128, random.logNormal(median, sigma)));
  return { kind: 'layer', size: Math.round(size) };
}

export function newImage(random: Random, layers: readonly Item[]): Image {
  return {
    manifest: { kind: 'manifest', size: random.whole(800, 3000) },
    config: { kind: 'config', size: random.whole(2 * KIB, 20 * KIB) },
    layers,
  };
}

/** The GETs of a pull: manifest, config, then layers, within about half a minute. */
export function pullImage(random: Random, { at, image, has }: Pull): { at: number; item: Item }[] {
  const layers = image.layers.filter((_, depth) => depth >= image.layers.length / 2 || !random.chance(has));
  let now = at;
  return [image.manifest, image.config, ...layers].map((item) => {
    now += random.whole(50, 3000);
    return { at: now, item };
  });
}
