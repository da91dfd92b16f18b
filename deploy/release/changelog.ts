/** Entries of a version's section of `CHANGELOG.md`, a line each; undefined without such a section. */
export function changesOf(changelog: string, version: string): string[] | undefined {
  const section = changelog.split(/^## /m).find((text) => text.split(/\s/, 1)[0] === version);
  if (section === undefined) return undefined;
  return section
    .split(/^- /m)
    .slice(1)
    .map((entry) => entry.replaceAll(/\s+/g, ' ').trim());
}
