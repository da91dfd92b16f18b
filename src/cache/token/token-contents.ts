import { z } from 'zod';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Destination } from '../access/target.ts';

/** Longest life of a token of Larder, since the upstream may revoke the login in it. */
export const MAX_LIFE_MS = 3600_000;

/** Life of a token whose upstream names none: it holds a Basic password, or nothing to send. */
export const DEFAULT_LIFE_MS = 300_000;

/** Life of a token given on an earlier proof. After it the upstream is tried again. */
export const GRACE_LIFE_MS = 60_000;

const repository = z.string().transform((name) => name as RepositoryName);

/** The part of a token for one upstream. Clients bring tokens back for up to an hour: the field names are a stored format. */
const GRANT = z.object({
  upstream: z.string(),
  /** As the upstream names them. */
  repositories: z.array(repository),
  /** The `credentialId` of the login. */
  account: z.string(),
  /** Sent to the upstream. Undefined if the upstream requires no login, and with `grace`. */
  authorization: z.string().optional(),
  /** Set if the upstream could not check the login, and an earlier proof counted. */
  grace: z.literal(true).optional(),
});

/**
 * The contents of a sealed token: a grant for each upstream that its caller logged in at, or `anonymous`. Several upstreams,
 * because clients ask for one token with the scopes of a whole copy.
 */
export const TOKEN_CONTENTS = z.object({
  grants: z.union([z.array(GRANT), z.literal('anonymous')]),
});

export type SealedGrant = z.infer<typeof GRANT>;
export type TokenContents = z.infer<typeof TOKEN_CONTENTS>;

/** True if the grant is for the upstream and repository of `destination`. */
export function covers(grant: SealedGrant, { upstream, repository }: Destination): boolean {
  return grant.upstream === upstream.name && grant.repositories.includes(repository);
}
