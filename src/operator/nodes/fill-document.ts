import { errorText } from '../../kit/errors.ts';
import {
  checkNodeDocument,
  type NodeCache,
  type NodeDocument,
  type NodeMirror,
} from '../../fleet/node-document.ts';

/**
 * Bytes of the document. A ConfigMap holds 1 MiB of data (https://kubernetes.io/docs/concepts/configuration/configmap/#motivation):
 * 3 000 caches, or a dozen mirrors of which each brings a bundle as large as it may be.
 */
export const MOST_BYTES = 1_000_000;

/** Something that nodes should be told, with the CA bundles that it names. */
export type EntryCandidate =
  | { readonly list: 'caches'; readonly entry: NodeCache }
  | {
      readonly list: 'mirrors';
      readonly entry: NodeMirror;
      readonly bundles: Readonly<Record<string, string>>;
    };

export interface FilledDocument {
  readonly content: Omit<NodeDocument, 'revision'>;
  /** Why nodes are not told of an upstream, a sentence each. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/**
 * The candidates that there is room for, in their order; one that is too large, or that nodes would refuse, is left out, so that it stands in
 * nobody else's way. Each bundle stands there once.
 */
export function fillDocument(ca: string, candidates: readonly EntryCandidate[]): FilledDocument {
  const bundles: Record<string, string> = {};
  const caches: NodeCache[] = [];
  const mirrors: NodeMirror[] = [];
  const told = new Set<string>();
  const leftOut = new Map<string, string>();
  let room = MOST_BYTES - bytesOf({ revision: REVISION, ca, bundles, caches, mirrors });
  for (const candidate of candidates) {
    const { upstream } = candidate.entry;
    const fresh = candidate.list === 'caches' ? {} : missingFrom(bundles, candidate.bundles);
    const bytes = bytesOf(candidate.entry) + bytesOf(fresh);
    const refusal = told.has(upstream) ? TOLD_ALREADY : refusalOf(ca, candidate);
    if (refusal !== undefined) leftOut.set(upstream, `nodes cannot be told of it: ${refusal}`);
    else if (bytes > room) leftOut.set(upstream, tooLarge(bytes, room));
    else {
      room -= bytes;
      told.add(upstream);
      Object.assign(bundles, fresh);
      if (candidate.list === 'caches') caches.push(candidate.entry);
      else mirrors.push(candidate.entry);
    }
  }
  const content = { ca, bundles, caches: caches.sort(byUpstream), mirrors: mirrors.sort(byUpstream) };
  return { content, leftOut };
}

/** On behalf of an object whose spec has become invalid meanwhile. */
const TOLD_ALREADY = 'they are told of it on behalf of another object';

/** As long as any. */
const REVISION = '0'.repeat(16);

/** With a comma: an entry of a list, or two braces for the comma of each part. */
function bytesOf(part: object): number {
  return Buffer.byteLength(JSON.stringify(part)) + 1;
}

function missingFrom(
  there: Readonly<Record<string, string>>,
  bundles: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(bundles).filter(([name]) => !Object.hasOwn(there, name)));
}

function refusalOf(ca: string, candidate: EntryCandidate): string | undefined {
  const { list, entry } = candidate;
  const bundles = list === 'mirrors' ? candidate.bundles : {};
  try {
    checkNodeDocument({ revision: REVISION, ca, bundles, [list]: [entry] }, 'the document for nodes');
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

function tooLarge(bytes: number, room: number): string {
  return `nodes are not told of it: it takes ${bytes} bytes, and of the ${MOST_BYTES} that may be told older objects leave ${room}: use fewer or smaller CA bundles`;
}

function byUpstream(a: { readonly upstream: string }, b: { readonly upstream: string }): number {
  return a.upstream < b.upstream ? -1 : 1;
}
