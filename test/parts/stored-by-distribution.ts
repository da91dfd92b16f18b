import { existsSync } from 'node:fs';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { distributionLayoutOf, type LinkKind } from '../../src/store/distribution/distribution-layout.ts';
import { waitFor } from '../kit/index.ts';

/**
 * Waits until a Distribution registry in proxy mode, whose content is in `directory`, has stored what it has served of a repository. It ends
 * an answer before it syncs the file, which takes long on a busy disk, and a signal to end does not wait for it (2.8 and 3.1,
 * `proxyblobstore.go`).
 */
export async function storedByDistribution(
  directory: string,
  repository: string,
  digests: Iterable<readonly [digest: string, kind: LinkKind]>,
): Promise<void> {
  const layout = distributionLayoutOf(directory);
  for (const [digest, kind] of digests) {
    const link = layout.link(parseRepositoryName(repository), kind, parseDigest(digest));
    await waitFor(() => existsSync(link), { what: link });
  }
}
