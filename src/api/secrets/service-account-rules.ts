import { goQuote } from '../../kit/document/go-quote.ts';
import { parseJson } from '../../kit/json.ts';

/** What the key of a service account has. Anything else may be a configuration that runs commands or fetches URLs. */
const FIELDS: ReadonlySet<string> = new Set([
  'type',
  'project_id',
  'client_email',
  'universe_domain',
  'auth_uri',
  'auth_provider_x509_cert_url',
  'client_x509_cert_url',
  'client_id',
  'private_key_id',
  'private_key',
  'token_uri',
]);

/** Of a name: nobody calls a field so, and a message has to stay one. */
const LONGEST_NAME = 64;

/**
 * What is wrong with the key of a Google service account that is a Secret's password, in the words of the Gardener extension; why it
 * cannot be read is said in words of our own, since Go's would repeat some of it.
 */
export function serviceAccountProblems(password: string, secret: string): string[] {
  const of = `the password data entry in the referenced secret ${goQuote(secret)}`;
  const unreadable = (why: string): string => `failed to unmarshal ServiceAccount json from ${of}: ${why}`;
  const key = parseJson(password);
  if (key === undefined) return [unreadable('it is not JSON')];
  // Go reads `null` as an object without fields.
  if (key === null) return [];
  if (typeof key !== 'object' || Array.isArray(key)) return [unreadable('it is not an object')];
  const isText = Object.values(key).every((value) => value === null || typeof value === 'string');
  const forbidden = Object.keys(key).filter((name) => !FIELDS.has(name));
  return [
    ...(isText ? [] : [unreadable('a field of it is not a string')]),
    ...forbidden.map(
      (name) => `forbidden ServiceAccount field ${goQuote(name.slice(0, LONGEST_NAME))} present in ${of}`,
    ),
  ];
}
