import type { Origin } from '../image/oci-image.ts';
import type { Forge } from './forge.ts';

/** Throws an `Error` unless this is the workflow run of the version's tag, on that commit and nothing else. */
export function checkPublishable(
  { version, revision }: Origin,
  forge: Forge | undefined,
  changes: readonly string[] | undefined,
): void {
  if (forge === undefined)
    throw new Error('only a workflow run publishes, since it signs as itself; --dry-run rehearses');
  if (forge.ref !== `refs/tags/v${version}`)
    throw new Error(`${forge.ref} is not the tag v${version} of the version in package.json`);
  if (!/^[0-9a-f]{40}$/.test(revision)) throw new Error(`the checkout has changes: ${revision}`);
  if (changes === undefined) throw new Error(`CHANGELOG.md has no section "## ${version}"`);
}
