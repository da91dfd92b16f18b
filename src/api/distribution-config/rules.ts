import { problemsAt, type Problem } from '../../kit/document/field-problem.ts';
import type { DistributionDocument } from './schema.ts';

/** Checks what the schema cannot express. `unknownKeys` are the paths of the keys that it lacks. */
export function* distributionProblems(
  { version, http: { tls, headers } }: DistributionDocument,
  unknownKeys: readonly string[],
): Generator<Problem> {
  const problems = problemsAt('');
  if (version === undefined) yield problems.required(['version'], `must be "${VERSION}"`);
  else if (version !== VERSION) yield problems.notSupported(['version'], version, [VERSION]);
  if (tls.certificate !== undefined && tls.key === undefined)
    yield problems.required(['http', 'tls', 'key'], 'the certificate needs its key');
  if (tls.key !== undefined && tls.certificate === undefined)
    yield problems.required(['http', 'tls', 'certificate'], 'the key needs its certificate');
  for (const name of Object.keys(headers))
    if (FRAMING_HEADERS.has(name.toLowerCase()))
      yield problems.forbidden(['http', 'headers', name], SET_BY_LARDER);
  for (const path of unknownKeys)
    if (RESTRICTING_KEYS.includes(path)) yield problems.forbidden(path.split('.'), OPEN_TO_ALL);
}

/** The only version of the format, also of Distribution 3. */
const VERSION = '0.1';

/** Header fields that say where an answer and its connection end (RFC 9112). A client cannot read an answer with wrong ones. */
const FRAMING_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const SET_BY_LARDER = 'every answer has its own';

/** Keys that restrict who may pull. A cache that ignored them would be open to everyone. */
const RESTRICTING_KEYS: readonly string[] = ['auth', 'http.tls.clientcas', 'http.tls.clientauth'];
const OPEN_TO_ALL =
  'Larder cannot keep clients out in this way, and must not be open to everyone instead; its own way is authentication.mode of a RegistryConfig';
