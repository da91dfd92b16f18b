/** Files of a registry of the Distribution project in proxy mode, as 2.8 and 3.1 write them. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  distributionLayoutOf,
  type DistributionLayout,
  type LinkKind,
} from '../../src/store/distribution/distribution-layout.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { parseRepositoryName, parseTag } from '../../src/oci/reference.ts';
import type { Body } from './harness.ts';

export interface DistributionTree {
  readonly layout: DistributionLayout;
  /** Writes the body of a blob. */
  blob(of: Body): void;
  /** Links content into a repository, at `at` in milliseconds since the epoch; the real time by default. */
  link(repository: string, kind: LinkKind, digest: Digest, at?: number): void;
  /** Points the tag to the manifest, at `at` as above. */
  tag(repository: string, tag: string, digest: Digest, at?: number): void;
  /** Leaves an upload that never ended. */
  upload(repository: string): void;
  schedulerState(): void;
}

/** Writes below `directory`, file by file. */
export function distributionTree(directory: string): DistributionTree {
  const layout = distributionLayoutOf(directory);
  return {
    layout,
    blob: ({ digest, content }) => write(layout.blob(digest), content),
    link: (repository, kind, digest, at) =>
      write(layout.link(parseRepositoryName(repository), kind, digest), digest, at),
    tag(repository, name, digest, at) {
      const [in_, tag] = [parseRepositoryName(repository), parseTag(name)];
      write(layout.tagIndexLink(in_, tag, digest), digest, at);
      write(layout.tagLink(in_, tag), digest, at);
    },
    upload(repository) {
      const upload = join(layout.repository(parseRepositoryName(repository)), '_uploads/one');
      write(join(upload, 'startedat'), 'once');
      write(join(upload, 'hashstates/sha256/0'), 'state');
    },
    schedulerState: () => write(layout.schedulerState, '{}'),
  };
}

function write(path: string, content: string | Buffer, at?: number): void {
  makeFolder(dirname(path));
  writeFileSync(path, content);
  if (at !== undefined) utimesSync(path, at / 1000, at / 1000);
}

/** Costs one call of the system for most of very many folders. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch {
    mkdirSync(path, { recursive: true });
  }
}
