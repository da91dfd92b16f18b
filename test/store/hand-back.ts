/** Set-up of tests of the way back: a store that is given back to a registry of the Distribution project. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock, type Clock } from '../../src/kit/clock.ts';
import { silentLogger, type Logger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { digestOf } from '../../src/oci/digest.ts';
import {
  createHandBack,
  type HandBack,
  type HandBackOptions,
} from '../../src/store/distribution/hand-back.ts';
import { handBackFiles, type HandBackFiles } from '../../src/store/distribution/hand-back-files.ts';
import { declareStoreMetrics } from '../../src/store/metrics.ts';
import type { Body } from './harness.ts';

export interface HandBackDepsGiven {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly files?: HandBackFiles;
}

/** Prepares to hand back the store in `directory`: content of `a.example` in mode `Shared`, without a ttl. */
export function handBackOf(
  directory: string,
  options: Partial<HandBackOptions> = {},
  { clock = new ManualClock(), logger = silentLogger, files }: HandBackDepsGiven = {},
): HandBack {
  const metrics = declareStoreMetrics(createMetricsRegistry());
  return createHandBack(
    { clock, logger, metrics, ...(files !== undefined && { files }) },
    { directory, upstream: 'a.example', isShared: true, ttlMs: 0, ...options },
  );
}

/** Hands the store back, and waits for the end. */
export async function handBack(directory: string, options: Partial<HandBackOptions> = {}): Promise<HandBack> {
  const work = handBackOf(directory, options);
  await work.run(new AbortController().signal);
  work.close();
  return work;
}

/** Changes of the disk that fail from the `count`-th on, as if the process had been killed before that one. */
export function filesUntil(count: number): HandBackFiles {
  let done = 0;
  const step =
    <Args extends unknown[]>(work: (...args: Args) => Promise<void>) =>
    async (...args: Args): Promise<void> => {
      if (done >= count) throw new Error('killed');
      done += 1;
      await work(...args);
    };
  return {
    exists: (path) => handBackFiles.exists(path),
    move: step((from, to) => handBackFiles.move(from, to)),
    write: step((path, text, at) => handBackFiles.write(path, text, at)),
    writePieces: step((path, pieces) => handBackFiles.writePieces(path, pieces)),
    remove: step((path, signal) => handBackFiles.remove(path, signal)),
  };
}

/** All files below a directory with their content, by path. Text of links and tags is short; bodies are given by their size. */
export function treeOf(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  const entries = files.map((file) => {
    const path = join(file.parentPath, file.name);
    const { size } = statSync(path);
    return [path.slice(directory.length + 1), size < 200 ? readFileSync(path, 'utf8') : `${size} bytes`];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** The manifest of an image of this one layer. */
export function manifestOver(layer: Body): Body {
  const part = (mediaType: string) => ({ mediaType, digest: layer.digest, size: layer.content.length });
  const content = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: part('application/vnd.oci.image.config.v1+json'),
      layers: [part('application/vnd.oci.image.layer.v1.tar')],
    }),
  );
  return { digest: digestOf(content), content };
}
