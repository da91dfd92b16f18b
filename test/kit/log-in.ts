/** Answers a challenge as a client does. */
import { basic, get, type GetOptions } from './client.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

/**
 * The `Authorization` that a challenge demands: Basic unchanged, Bearer with the token of a GET of the realm. Undefined without a
 * known scheme.
 *
 * @throws Error if the token server refuses.
 */
export async function logIn(
  challenge: string,
  login: Login | undefined,
  connection: GetOptions = {},
): Promise<string | undefined> {
  const credential = login && basic(login.user, login.password);
  if (/^basic/i.test(challenge)) return credential;
  const parameters = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  const url = new URL(parameters['realm'] ?? '');
  for (const name of ['service', 'scope']) {
    if (parameters[name] !== undefined) url.searchParams.set(name, parameters[name]);
  }
  const headers = credential === undefined ? {} : { authorization: credential };
  const answer = await get(url.href, { ...connection, headers });
  if (answer.status !== 200)
    throw new Error(`the token server gave ${answer.status}: ${answer.text().slice(0, 500)}`);
  const { token, access_token: accessToken } = answer.json() as { token?: string; access_token?: string };
  return `Bearer ${token ?? accessToken}`;
}
