import type { Artifact } from './provenance.ts';

/** Text for the page of a release: what has changed, and what is in the registry, by tag and digest. */
export function notesOf(
  changes: readonly string[],
  version: string,
  published: readonly Artifact[] = [],
): string {
  const list = changes.map((change) => `- ${change}\n`).join('');
  if (published.length === 0) return list;
  const rows = published.map(({ name, digest }) => `    ${name}:${version}@${digest}\n`);
  return `${list}\nImage and charts:\n\n${rows.join('')}`;
}
