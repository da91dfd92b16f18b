import { z } from 'zod';
import { LarderError } from '../../kit/errors.ts';
import { readRequestBody } from '../../kit/read-body.ts';
import type { RegistryExchange } from '../http/exchange.ts';

/** The login in a token request. */
export type ClientLogin =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly token: string };

/** A token request in either of its forms. */
export interface TokenForm {
  /** Undefined: the client wants an anonymous token. */
  readonly login: ClientLogin | undefined;
  /** As the client wrote them. */
  readonly scopes: readonly string[];
}

/** A password and a handful of scopes take less than 1 KiB, an identity token of a cloud a little more. */
const BODY_LIMIT = 64 * 1024;

/**
 * Reads a token request: a GET with query and Basic (distribution, spec/auth/token.md), or a POST with a form (oauth.md).
 * `service`, `client_id` and any other parameter are ignored. Throws `REQUEST_INVALID`, and `UNSUPPORTED` for another method.
 */
export async function readTokenForm(exchange: RegistryExchange): Promise<TokenForm> {
  switch (exchange.method) {
    case 'GET':
      return {
        login: basicLogin(exchange.authorization),
        scopes: exchange.params.getAll('scope').flatMap(splitScopes),
      };
    case 'POST':
      return readPost(exchange);
    default:
      throw new LarderError('UNSUPPORTED', `token requests use GET or POST, not ${exchange.method}`);
  }
}

const POST = z
  .discriminatedUnion('grant_type', [
    z.object({
      grant_type: z.literal('password'),
      username: z.string().min(1),
      password: z.string(),
      scope: z.string().default(''),
    }),
    z.object({
      grant_type: z.literal('refresh_token'),
      refresh_token: z.string().min(1),
      scope: z.string().default(''),
    }),
  ])
  .transform((form): TokenForm => {
    const scopes = splitScopes(form.scope);
    return form.grant_type === 'password'
      ? { scopes, login: { kind: 'password', username: form.username, password: form.password } }
      : { scopes, login: { kind: 'identity-token', token: form.refresh_token } };
  });

async function readPost(exchange: RegistryExchange): Promise<TokenForm> {
  const type = exchange.request.headers['content-type'] ?? '';
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) {
    throw invalid('the body of a POST must be application/x-www-form-urlencoded');
  }
  const form = new URLSearchParams(
    (await readRequestBody(exchange.request, BODY_LIMIT, tooLong)).toString('utf8'),
  );
  const parsed = POST.safeParse(Object.fromEntries(form));
  if (parsed.success) return parsed.data;
  throw invalid(
    'a token request needs grant_type=password, username and password, or grant_type=refresh_token and refresh_token',
  );
}

function tooLong(): LarderError {
  return invalid(`the body is larger than ${BODY_LIMIT} bytes`);
}

/** Reads Basic credentials: the user name ends at the first colon (RFC 7617). */
function basicLogin(authorization: string | undefined): ClientLogin | undefined {
  if (authorization === undefined) return undefined;
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw invalid('Authorization must be Basic, with a user name and a password');
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function splitScopes(text: string): string[] {
  return text.split(' ').filter((scope) => scope !== '');
}

/** `message` must quote nothing of the request, which may hold a secret. */
function invalid(message: string): LarderError {
  return new LarderError('REQUEST_INVALID', message);
}
