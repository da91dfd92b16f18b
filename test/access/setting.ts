/** Accounts of the access suites, and the headers that upstreams want from them. */
import { get, logIn, type Login, type Upstream } from '../kit/index.ts';

export const ALICE: Login = { user: 'alice', password: 'correct-horse-1' };
export const BOB: Login = { user: 'bob', password: 'battery-staple-2' };
export const CAROL: Login = { user: 'carol', password: 'reads-everything-3' };

/** Names and passwords, as `startUpstream` takes them. */
export const USERS = Object.fromEntries([ALICE, BOB, CAROL].map(({ user, password }) => [user, password]));

/** The header that the upstream wants from this user in this repository: a new token each time, or the login. */
export async function headerOf(upstream: Upstream, login: Login, repository: string): Promise<string> {
  const trust = upstream.caPem === undefined ? {} : { ca: upstream.caPem };
  const { headers } = await get(`${upstream.url}/v2/${repository}/manifests/none`, trust);
  const header = await logIn(String(headers['www-authenticate']), login, trust);
  if (header === undefined) throw new Error(`${upstream.url} asks ${login.user} for nothing`);
  upstream.reset();
  return header;
}

/** Options of a request that carries this header. */
export function authorized(header: string | undefined): { headers: Record<string, string> } {
  return { headers: header === undefined ? {} : { authorization: header } };
}

/** Requests that the upstream got, without those for tokens: `HEAD blob`. */
export function askedFor({ requests }: Upstream): string[] {
  return requests.filter(({ kind }) => kind !== 'token').map(({ method, kind }) => `${method} ${kind}`);
}
