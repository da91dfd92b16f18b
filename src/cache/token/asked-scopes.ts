import { LarderError } from '../../kit/errors.ts';
import type { Destination } from '../access/target.ts';

/** Clients ask for one or two. Each upstream among them costs a login. */
const SCOPE_LIMIT = 32;

/** Matches `resourcetype[(class)]:resourcename:actions` (distribution, spec/auth/scope.md). A name may contain a port. */
const REPOSITORY_SCOPE = /^repository(?:\([a-z0-9]+\))?:(.+):([a-z,*]+)$/;

/**
 * Destinations that a token request wants to read, each once. `resolve` reads a name as the path of a request is read.
 * Scopes of other resources, and scopes without `pull`, are ignored: a token server grants the part it can.
 * @throws `REQUEST_INVALID` above 32 scopes, and what `resolve` throws for an invalid name.
 */
export function askedScopes(
  scopes: readonly string[],
  resolve: (name: string) => Destination,
): Destination[] {
  if (scopes.length > SCOPE_LIMIT)
    throw new LarderError(
      'REQUEST_INVALID',
      `a token may have ${SCOPE_LIMIT} scopes at most, found ${scopes.length}`,
    );
  const names = scopes.flatMap((scope) => {
    const [, name, actions] = REPOSITORY_SCOPE.exec(scope) ?? [];
    const wantsPull = actions?.split(',').some((action) => action === 'pull' || action === '*') ?? false;
    return name !== undefined && wantsPull ? [name] : [];
  });
  return [...new Set(names)].map(resolve);
}
