import { z } from 'zod';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Destination } from '../access/target.ts';

const repository = z.string().transform((name) => name as RepositoryName);

/** What a token says of one upstream. */
const GRANT = z.object({
  upstream: z.string(),
  /** As the upstream names them. */
  repositories: z.array(repository),
  /** The credential that was logged in with, by its name. */
  account: z.string(),
  /** What the upstream is sent; undefined where it asks nobody for a login, and with `grace`. */
  authorization: z.string().optional(),
  /** Given while nobody could check the login, on a proof from before. */
  grace: z.literal(true).optional(),
});

/**
 * What is sealed in a token: its caller's standing with each upstream that it logged in at, or that it is nobody's in particular.
 * Several upstreams, because clients ask for one token with the scopes of a whole copy.
 */
export const TOKEN_CONTENTS = z.object({
  grants: z.union([z.array(GRANT), z.literal('anonymous')]),
});

export type TokenGrant = z.infer<typeof GRANT>;
export type TokenContents = z.infer<typeof TOKEN_CONTENTS>;

/** True when the grant is for the upstream and repository of `destination`. */
export function covers(grant: TokenGrant, { upstream, repository }: Destination): boolean {
  return grant.upstream === upstream.name && grant.repositories.includes(repository);
}
