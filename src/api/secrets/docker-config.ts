import { z } from 'zod';
import { parseJson } from '../../kit/json.ts';
import { withoutEnd } from '../../kit/without-end.ts';

/** A login of a Docker configuration: a username with a password, or an OAuth2 refresh token, good for token servers only. */
export type DockerLogin =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string };

const ENTRY = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const FILE = z.object({ auths: z.record(z.string(), ENTRY.catch({})) });

export const EXPECTED_DOCKER_CONFIG = 'expected a Docker configuration, {"auths":{"<registry>":{...}}}';

/** The names of Docker Hub. `docker login` writes the first. */
const DOCKER_HUB = ['https://index.docker.io/v1/', 'index.docker.io', 'registry-1.docker.io'];

/**
 * Finds the login for an upstream in a `.dockerconfigjson`: by the upstream's name, then by the host of its `remoteURL`, for docker.io
 * by its other names too. Entries may have a scheme and a path. Undefined without an entry. Within one entry an identity token comes before
 * username and password, and those before `auth`, as Docker reads it.
 *
 * @throws Error for text that is no Docker configuration, without any of the text.
 */
export function dockerConfigLogin(
  content: string,
  upstream: string,
  remoteURL: string,
): DockerLogin | undefined {
  const parsed = FILE.safeParse(parseJson(content));
  if (!parsed.success) throw new Error(EXPECTED_DOCKER_CONFIG);
  const { auths } = parsed.data;
  const names = [upstream, URL.parse(remoteURL)?.host, ...(upstream === 'docker.io' ? DOCKER_HUB : [])];
  for (const name of names) {
    const key = Object.keys(auths).find((candidate) => candidate === name || hostOf(candidate) === name);
    const login = key === undefined ? undefined : readEntry(auths[key] ?? {});
    if (login !== undefined) return login;
  }
  return undefined;
}

function readEntry({
  auth,
  username,
  password,
  identitytoken,
}: z.infer<typeof ENTRY>): DockerLogin | undefined {
  if (identitytoken) return { identityToken: identitytoken };
  if (username && password) return { username, password };
  const decoded = Buffer.from(auth ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  // Docker pads with zero bytes in some versions (cli/config/configfile, decodeAuth).
  const secret = withoutEnd(decoded.slice(colon + 1), '\0');
  return colon > 0 && secret !== '' ? { username: decoded.slice(0, colon), password: secret } : undefined;
}

/** The host of an entry: `r.example` for `https://r.example/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}
