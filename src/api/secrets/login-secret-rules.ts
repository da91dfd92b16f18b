import { goQuote } from '../../kit/document/go-quote.ts';
import { serviceAccountProblems } from './service-account-rules.ts';

/** The username of a Google service account, whose key is the password. */
const SERVICE_ACCOUNT = '_json_key';

/**
 * Checks the `username` and `password` of a Secret, in the words and order of the Gardener extension. `secret` is
 * `namespace/name`. As in the extension, messages repeat nothing of the contents except the names of forbidden fields of a
 * service account.
 */
export function loginSecretProblems(
  { username, password }: { readonly username?: string | undefined; readonly password?: string | undefined },
  secret: string,
): string[] {
  const problems: string[] = [];
  const of = `in the referenced secret ${goQuote(secret)}`;
  if (username === undefined) problems.push(`missing "username" data entry ${of}`);
  else {
    if (isBlank(username)) problems.push(`the data entry "username" ${of} is empty`);
    if (WHITE_SPACE.test(username)) problems.push(`the data entry "username" ${of} contains whitespace`);
  }
  if (password === undefined) problems.push(`missing "password" data entry ${of}`);
  else {
    if (isBlank(password)) problems.push(`the data entry "password" ${of} is empty`);
    if (username === SERVICE_ACCOUNT) problems.push(...serviceAccountProblems(password, secret));
  }
  return problems;
}

/** White space as in Go's `unicode.IsSpace`. `\s` lacks U+0085 and includes U+FEFF. */
const WHITE_SPACE = /\p{White_Space}/u;

function isBlank(text: string): boolean {
  return !/\P{White_Space}/u.test(text);
}
