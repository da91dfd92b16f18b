/** Asks for content and says in one word what came of it. */
import { get, type GetOptions, type GetResult, type TestBlob } from '../../kit/index.ts';

/**
 * `right`: whole, every byte. `short`: right bytes, too few, ended by FIN, so that the client asks for the rest. `wrong whole`: what law 3
 * forbids. `wrong part`: wrong bytes in a body that was cut. `reset`: cut so that containerd does not resume it, or no answer at
 * all. Otherwise the status of an error.
 */
export type Verdict = 'right' | 'short' | 'wrong whole' | 'wrong part' | 'reset' | `${number}`;

/** Half open; the whole by default. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Asked {
  readonly verdict: Verdict;
  /** Undefined when no headers came. */
  readonly answer: GetResult | undefined;
}

/** Sends one GET, for a range where a span is given, and compares every byte of the answer with `blob`. */
export async function ask(
  url: string,
  blob: TestBlob,
  span?: Span,
  options: Pick<GetOptions, 'headers' | 'agent' | 'onBytes' | 'slowBytesPerSecond'> = {},
): Promise<Asked> {
  const { start, end } = span ?? { start: 0, end: blob.size };
  const range = span && { range: `bytes=${start}-${end - 1}` };
  try {
    const answer = await get(url, {
      ...options,
      headers: { ...options.headers, ...range },
      body: { expect: blob, from: start },
    });
    return { verdict: judge(answer, span ? 206 : 200, end - start), answer };
  } catch {
    return { verdict: 'reset', answer: undefined };
  }
}

/** The whole in three ranges at once, as containerd 2 reads a layer. */
export async function askInParts(url: string, blob: TestBlob): Promise<Verdict[]> {
  const third = Math.ceil(blob.size / 3);
  const spans = [0, 1, 2].map((part) => ({
    start: part * third,
    end: Math.min((part + 1) * third, blob.size),
  }));
  const parts = await Promise.all(spans.map((span) => ask(url, blob, span)));
  return parts.map(({ verdict }) => verdict);
}

function judge(answer: GetResult, status: number, bytes: number): Verdict {
  if (answer.status >= 400) return `${answer.status}`;
  if (answer.complete) {
    return answer.status === status && answer.matches === true && answer.bytes === bytes
      ? 'right'
      : 'wrong whole';
  }
  if (answer.matches !== true) return 'wrong part';
  // node:http says "aborted" after a FIN, and "read ECONNRESET" after a reset.
  return answer.failure?.message === 'aborted' ? 'short' : 'reset';
}
