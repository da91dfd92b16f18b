/** A caller that asks registries as real clients do: without a credential first, or with one at once. */
import { basic, get, logIn, type GetOptions, type GetResult, type Login } from '../kit/index.ts';

export interface CallerOptions {
  /** Login for challenges. Without one the caller is anonymous, and takes anonymous tokens. */
  readonly login?: Login;
  /** Sends the login as a Basic header with the first request, as Podman and Docker do, and answers no challenge. */
  readonly eager?: boolean;
  /** Header that every request has. No challenge is answered then. */
  readonly header?: string;
}

/** Result of a question. */
export interface Reply {
  /** The last answer. */
  readonly answer: GetResult;
  /** The `Authorization` of the request that got it. */
  readonly credential: string | undefined;
}

export interface Caller {
  /**
   * Asks the registry at `base` for `/v2/<repository>/<path>`. Answers a challenge once, and keeps the credential for the same
   * registry and repository until the next challenge. If the token server refuses, the reply is the challenge.
   */
  ask(base: string, repository: string, path: string, options?: GetOptions): Promise<Reply>;
}

/** Makes a caller that has no credential of any registry yet. */
export function createCaller({ login, eager = false, header }: CallerOptions = {}): Caller {
  const known = new Map<string, string>();
  const fixed = header ?? (eager && login ? basic(login.user, login.password) : undefined);

  return {
    async ask(base, repository, path, options = {}) {
      const url = `${base}/v2/${repository}/${path}`;
      const send = async (credential: string | undefined): Promise<Reply> => {
        const headers = {
          ...options.headers,
          ...(credential !== undefined && { authorization: credential }),
        };
        return { answer: await get(url, { ...options, headers }), credential };
      };
      if (fixed !== undefined) return send(fixed);
      const place = `${base} ${repository}`;
      const reply = await send(known.get(place));
      const challenge = reply.answer.headers['www-authenticate'];
      if (reply.answer.status !== 401 || challenge === undefined) return reply;
      known.delete(place);
      const credential = await logIn(challenge, login).catch(() => undefined);
      if (credential === undefined) return reply;
      known.set(place, credential);
      return send(credential);
    },
  };
}

/** True if the answer gives the requested content. */
export function isGiven({ answer }: Reply): boolean {
  return answer.status >= 200 && answer.status < 300;
}
