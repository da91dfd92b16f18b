import { goQuote } from '../../kit/document/go-quote.ts';
import { goJsonType, parseJson } from '../../kit/json.ts';

/** The fields of a service account's key. Any other field may belong to a configuration that runs commands or fetches URLs. */
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

/** Characters of a field's name in a message. No real field is longer, and a message must stay short. */
const LONGEST_NAME = 64;

/**
 * Checks the key of a Google service account, which is the password of a Secret, in the words of the Gardener extension. Only for text
 * that is no JSON the reason is in Larder's own words, because Go's words would repeat a part of the password.
 */
export function serviceAccountProblems(password: string, secret: string): string[] {
  const of = `the password data entry in the referenced secret ${goQuote(secret)}`;
  const unreadable = (why: string): string => `failed to unmarshal ServiceAccount json from ${of}: ${why}`;
  const key = parseJson(password);
  if (key === undefined) return [unreadable('it is not JSON')];
  // Go reads `null` as an object without fields.
  if (key === null) return [];
  if (typeof key !== 'object' || Array.isArray(key)) return [unreadable(mistyped(key, 'map[string]string'))];
  const other = Object.values(key).find((value) => value !== null && typeof value !== 'string');
  const forbidden = Object.keys(key).filter((name) => !FIELDS.has(name));
  return [
    ...(other === undefined ? [] : [unreadable(mistyped(other, 'string'))]),
    ...forbidden.map(
      (name) => `forbidden ServiceAccount field ${goQuote(name.slice(0, LONGEST_NAME))} present in ${of}`,
    ),
  ];
}

/** The text of Go's `json.UnmarshalTypeError` (https://pkg.go.dev/encoding/json#UnmarshalTypeError). */
function mistyped(value: unknown, wanted: string): string {
  return `json: cannot unmarshal ${goJsonType(value)} into Go value of type ${wanted}`;
}
