import { errorText } from '../../kit/errors.ts';
import {
  checkNodeDocument,
  type NodeCache,
  type NodeDocument,
  type NodeMirror,
} from '../../fleet/node-document.ts';

/**
 * Largest document in bytes. A ConfigMap holds 1 MiB of data (https://kubernetes.io/docs/concepts/configuration/configmap/#motivation).
 * There is room for 3 000 caches, or for a dozen mirrors with a CA bundle of the largest allowed size each.
 */
export const MOST_BYTES = 1_000_000;

/** An entry that should be published, with the CA bundles that it names. */
export type EntryCandidate =
  | { readonly list: 'caches'; readonly entry: NodeCache }
  | {
      readonly list: 'mirrors';
      readonly entry: NodeMirror;
      readonly bundles: Readonly<Record<string, string>>;
    };

export interface FilledDocument {
  readonly content: Omit<NodeDocument, 'revision'>;
  /** Reason, a sentence, for each upstream that is not published. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/**
 * Takes candidates in their order while there is room. Leaves out an entry that is too large or that nodes would refuse, so that it does not
 * block others. Contains each bundle once.
 */
export function fitDocument(ca: string, candidates: readonly EntryCandidate[]): FilledDocument {
  const bundles: Record<string, string> = {};
  const caches: NodeCache[] = [];
  const mirrors: NodeMirror[] = [];
  const published = new Set<string>();
  const leftOut = new Map<string, string>();
  let room = MOST_BYTES - bytesOf({ revision: REVISION, ca, bundles, caches, mirrors });
  for (const candidate of candidates) {
    const { upstream } = candidate.entry;
    const fresh = candidate.list === 'caches' ? {} : missingFrom(bundles, candidate.bundles);
    const bytes = bytesOf(candidate.entry) + bytesOf(fresh);
    const refusal = published.has(upstream) ? PUBLISHED_ALREADY : refusalOf(ca, candidate);
    if (refusal !== undefined) leftOut.set(upstream, `it cannot be published to nodes: ${refusal}`);
    else if (bytes > room) leftOut.set(upstream, tooLarge(bytes, room));
    else {
      room -= bytes;
      published.add(upstream);
      Object.assign(bundles, fresh);
      if (candidate.list === 'caches') caches.push(candidate.entry);
      else mirrors.push(candidate.entry);
    }
  }
  const content = { ca, bundles, caches: caches.sort(byUpstream), mirrors: mirrors.sort(byUpstream) };
  return { content, leftOut };
}

/** Reason for leaving an entry out: another object, whose spec is invalid now, keeps its entry. */
const PUBLISHED_ALREADY = 'another object has published it';

/** Placeholder with the length of every revision. */
const REVISION = '0'.repeat(16);

/** Size as JSON with one byte for a comma. Braces around new bundles count too, so the sum is never too small. */
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
    checkNodeDocument({ revision: REVISION, ca, bundles, [list]: [entry] }, 'the node document');
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

function tooLarge(bytes: number, room: number): string {
  return `it is not published to nodes: it takes ${bytes} bytes, and of the ${MOST_BYTES} of the node document older objects leave ${room}: use fewer or smaller CA bundles`;
}

function byUpstream(a: { readonly upstream: string }, b: { readonly upstream: string }): number {
  return a.upstream < b.upstream ? -1 : 1;
}
