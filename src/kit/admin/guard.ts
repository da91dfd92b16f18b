import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { LarderError } from '../errors.ts';

/** A request for an action. */
export interface AdminCall {
  readonly headers: IncomingHttpHeaders;
  /** The address that the listener is bound to. */
  readonly listensOn: string;
}

/** Throws `ADMIN_FORBIDDEN` or `ADMIN_TOKEN_REQUIRED` for a request that may not do anything here. */
export type AdminGuard = (call: AdminCall) => void;

/**
 * Authorizes actions of the admin listener: for requests with the token (`Authorization: Bearer`), and on a loopback address for
 * everyone on this machine. A page in a browser is refused unless this listener has served it: `Origin` and `Sec-Fetch-Site` (Fetch
 * standard) name the origin of a page. Without a token `Host` must be a name of loopback, because the name of a page can be made to
 * lead here (DNS rebinding). `token` gives the current token, undefined if none is configured.
 */
export function createAdminGuard(token: () => string | undefined): AdminGuard {
  return ({ headers, listensOn }) => {
    refuseOtherPages(headers);
    const wanted = token();
    const presented = headers.authorization;
    if (presented !== undefined) {
      if (wanted !== undefined && isToken(presented, wanted)) return;
      throw new LarderError(
        'ADMIN_TOKEN_REQUIRED',
        'this is not the admin token: expected Authorization: Bearer with it',
        {
          hint: WHICH_TOKEN,
        },
      );
    }
    if (!isLoopback(listensOn)) {
      if (wanted !== undefined)
        throw new LarderError(
          'ADMIN_TOKEN_REQUIRED',
          'the admin token is needed: Authorization: Bearer with it',
          {
            hint: WHICH_TOKEN,
          },
        );
      throw new LarderError(
        'ADMIN_FORBIDDEN',
        `nothing can be changed by the admin listener at ${listensOn}: it is not on loopback, and there is no admin token`,
        { hint: 'start larder serve with --admin-token-file, or with an --admin-address on loopback' },
      );
    }
    const host = hostOf(headers.host);
    if (host === undefined || !isLoopback(host)) {
      throw new LarderError(
        'ADMIN_FORBIDDEN',
        `expected the Host of this listener, such as localhost or 127.0.0.1, found ${quoted(headers.host)}`,
        { hint: 'call it by its address, or send the admin token' },
      );
    }
  };
}

/** True for a name or literal of this machine alone. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').replace(/^::ffff:(?=\d)/, '');
  return bare === 'localhost' || bare === '::1' || /^127(?:\.\d{1,3}){3}$/.test(bare);
}

const WHICH_TOKEN = 'it is in the file that larder serve was started with: --admin-token-file';

function refuseOtherPages(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  const isOther = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (!isOther && (origin === undefined || isSameOrigin(origin, headers.host))) return;
  throw new LarderError(
    'ADMIN_FORBIDDEN',
    `a page of another origin may change nothing here: found Origin ${quoted(origin)}, Host ${quoted(headers.host)}`,
    { hint: 'use the command line, or a page of this very address' },
  );
}

/** Compares host and port only, because a proxy in front may have ended TLS. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const own = `${page.protocol}//${host}`;
  return page.origin !== 'null' && URL.canParse(own) && new URL(own).host === page.host;
}

function hostOf(header: string | undefined): string | undefined {
  const url = `http://${header ?? ''}`;
  return header !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Compares in a time that reveals nothing of the token, not even its length. */
function isToken(authorization: string, wanted: string): boolean {
  const presented = /^bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '';
  const [a, b] = [presented, wanted].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a as Buffer, b as Buffer);
}

function quoted(text: string | undefined): string {
  return text === undefined ? 'none' : JSON.stringify(text.slice(0, 100));
}
