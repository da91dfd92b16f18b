/** A registry of the test kit with one repository, `team/app`, and tokens for it as callers bring them. */
import { imageOf, startUpstream, type Upstream, type UpstreamOptions } from '../kit/index.ts';

export const LAYER_SIZE = 70_000;
const image = imageOf({ layers: [LAYER_SIZE] });
const layer = image.blobs.find(({ size }) => size === LAYER_SIZE)?.digest ?? '';

export const MANIFEST = '/v2/team/app/manifests/v1';
export const BLOB = `/v2/team/app/blobs/${layer}`;
export const SCOPE = 'repository:team/app:pull';

export interface TeamAppOptions extends UpstreamOptions {
  /** True for a repository that everyone may read; else only alice may, with the password `secret`. */
  readonly isPublic?: boolean;
}

/** Starts the registry, by default with Bearer. */
export async function startTeamApp({ isPublic = false, ...options }: TeamAppOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream({ auth: 'bearer', users: { alice: 'secret' }, ...options });
  upstream.push('team/app', image, 'v1');
  if (!isPublic) upstream.setAccess('team/app', { readers: ['alice'] });
  return upstream;
}

/** `Authorization` with a token of alice for `scope`; one with a negative life has expired. */
export function bearer(upstream: Upstream, { scope = SCOPE, lifeMs = 60_000 } = {}): string {
  const { value } = upstream.tokens.issue({
    user: 'alice',
    service: 'test-registry',
    scopes: new Set([scope]),
    expiresAt: Date.now() + lifeMs,
  });
  return `Bearer ${value}`;
}
