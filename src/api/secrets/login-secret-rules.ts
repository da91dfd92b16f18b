import { goQuote } from '../../kit/document/go-quote.ts';
import { serviceAccountProblems } from './service-account-rules.ts';

/** A Google service account logs in under this name, with its key as the password. */
const SERVICE_ACCOUNT = '_json_key';

/**
 * What is wrong with the login of a Secret that has `username` and `password`, in the words and order of the Gardener extension.
 * `secret` is `namespace/name`. Of the contents only the names of forbidden fields of a service account are repeated, as there.
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

/** As Go's `unicode.IsSpace`; `\s` lacks U+0085 and has U+FEFF. */
const WHITE_SPACE = /\p{White_Space}/u;

function isBlank(text: string): boolean {
  return !/\P{White_Space}/u.test(text);
}
