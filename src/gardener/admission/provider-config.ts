import type { z } from 'zod';
import { readDocument, type DocumentType } from '../../api/document/parse-document.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import { problemsAt, type Problem, type Problems } from '../../kit/document/field-problem.ts';
import { hasMoreValues } from '../../kit/json.ts';
import { Denial } from '../webhook/denial.ts';
import { decodingText } from './go-text.ts';
import type { RequestedShoot } from './shoot-handler.ts';

/** The entry of an extension in a Shoot. */
export interface ExtensionEntry {
  readonly shoot: RequestedShoot;
  readonly type: string;
  readonly index: number;
  /** Undefined if the entry has none, or `null`. */
  readonly providerConfig: unknown;
  /** Makes problems whose paths begin with that of the `providerConfig`. */
  readonly problems: Problems;
}

/** Finds the first entry of an extension type, also a disabled one. Undefined if the Shoot has none. */
export function findExtension(shoot: RequestedShoot, type: string): ExtensionEntry | undefined {
  const index = shoot.spec.extensions.findIndex((extension) => extension.type === type);
  if (index < 0) return undefined;
  const providerConfig = shoot.spec.extensions[index]?.providerConfig ?? undefined;
  return {
    shoot,
    type,
    index,
    providerConfig,
    problems: problemsAt(`spec.extensions[${index}].providerConfig`),
  };
}

/** Checks what both extensions demand of a Shoot: containerd on every worker pool, and a `providerConfig`. */
export function entryProblems({ shoot, type, providerConfig, problems }: ExtensionEntry): Problem[] {
  if (shoot.spec.provider.workers.some(({ cri }) => cri.name !== 'containerd')) {
    throw new Denial(`container runtime needs to be containerd when the ${type} extension is enabled`);
  }
  if (providerConfig !== undefined) return [];
  return [problems.required([], `providerConfig is required for the ${type} extension`)];
}

/** Most values in a `providerConfig`: several for each entry of a list. Every one of them can be a problem with a long text. */
const MOST_VALUES = 10_000;

/** Reads the `providerConfig` of an entry strictly, with defaults. Throws a {@link Denial} if that cannot be done. */
export function readProviderConfig<Schema extends z.ZodType>(
  of: DocumentType<Schema>,
  { shoot, index, providerConfig }: ExtensionEntry,
): z.output<Schema> {
  if (hasMoreValues(providerConfig, MOST_VALUES))
    throw new Denial(`failed to decode providerConfig: expected at most ${MOST_VALUES} values, found more`);
  const { value, problems } = readDocument(of, providerConfig, '');
  const repeated = shoot.repeatedFields(['spec', 'extensions', index, 'providerConfig']);
  const why = typeText(of, providerConfig, problems) ?? decodingText(problems, repeated);
  if (why !== undefined || value === undefined) throw new Denial(`failed to decode providerConfig: ${why}`);
  return value;
}

function typeText(
  of: DocumentType<z.ZodType>,
  document: unknown,
  problems: readonly Problem[],
): string | undefined {
  const isOther = problems.some(
    ({ path, kind }) => kind === 'NotSupported' && (path === 'apiVersion' || path === 'kind'),
  );
  if (!isOther) return undefined;
  const { apiVersion, kind } = document as { apiVersion?: unknown; kind?: unknown };
  return (
    `no kind ${quoted(kind ?? of.kind)} is registered for version ${quoted(apiVersion)} here: ` +
    `apiVersion must be ${goQuote(of.apiVersion)}, kind ${goQuote(of.kind)}`
  );
}

function quoted(value: unknown): string {
  return goQuote(typeof value === 'string' ? value : '');
}
