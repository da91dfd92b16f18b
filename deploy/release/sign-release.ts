import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltImage } from './image.ts';
import type { Statement } from './provenance.ts';
import type { Published } from './publish.ts';
import type { Signer } from './signer.ts';

export interface SignedParts {
  readonly published: Published;
  readonly image: BuiltImage;
  /** About every artifact of the release. */
  readonly statement: Statement;
  readonly statementFile: string;
  readonly work: string;
  /** Directory of the release, with the bills of materials. */
  readonly out: string;
}

/**
 * Signs image and charts in the registry, attaches provenance to each and its bill of materials to the image of each platform, and
 * writes `provenance.sigstore.json`, with which every file of the release is checked.
 */
export async function signRelease(signer: Signer, parts: SignedParts): Promise<void> {
  const { published, image, statement, statementFile, work, out } = parts;
  const predicate = join(work, 'predicate.json');
  await writeFile(predicate, JSON.stringify(statement.predicate));
  await signer.sign(published.image, { recursive: true });
  await signer.attest(published.image, 'slsaprovenance1', predicate);
  for (const chart of published.charts) {
    await signer.sign(chart, { recursive: false });
    await signer.attest(chart, 'slsaprovenance1', predicate);
  }
  for (const { digest, sbom } of image.platforms)
    await signer.attest({ name: published.image.name, digest }, 'cyclonedx', join(out, sbom));
  await signer.attestFiles(statementFile, join(out, 'provenance.sigstore.json'));
}
