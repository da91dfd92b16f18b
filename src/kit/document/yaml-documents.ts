/**
 * Splits a text into its YAML documents at the lines that begin with `---`, which nothing but the end of a document can be (YAML 1.2, 9.1.2). Each
 * keeps its line numbers. Documents without content are left out, but a text without any gives itself.
 */
export function yamlDocuments(text: string): readonly string[] {
  const lines = text.split('\n');
  const starts = lines.flatMap((line, index) => (/^---(?=\s|$)/.test(line) ? [index] : []));
  const documents = [0, ...starts.filter((start) => start > 0)]
    .map((start, index, all) => [start, all[index + 1] ?? lines.length] as const)
    .filter(([start, end]) => lines.slice(start, end).some(hasContent))
    .map(([start, end]) => '\n'.repeat(start) + lines.slice(start, end).join('\n'));
  return documents.length === 0 ? [text] : documents;
}

function hasContent(line: string): boolean {
  return !/^(?:---|\.\.\.)?\s*(?:#.*)?$/.test(line);
}
