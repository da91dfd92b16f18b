/**
 * `node test/gardener/compact-recordings.ts FOLDER...` writes `cases/` from recordings: a FOLDER has `reconcile/NAME/`, `lifecycle/NAME/` and
 * `osc/NAME/` with `input.yaml` and `expected.yaml` each. Nothing but comments is lost: every case is expanded and compared before it is written.
 * Cases of a further folder stand at the end, and change nothing before them.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Document, isCollection, isPair, parse, visit } from 'yaml';
import { upstreamResourceName } from '../../src/api/rules/upstream-names.ts';
import {
  expanded,
  withObjects,
  type CaseInput,
  type CaseKind,
  type CompactCase,
  type Names,
  type RecordedStep,
} from './recorded-cases.ts';

const folders = process.argv.slice(2);
const objects = new Map<string, string>();
const counts = new Map<string, number>();
const files = new Map<CaseKind, CompactCase[]>([
  ['reconcile', []],
  ['lifecycle', []],
  ['osc', []],
]);
for (const folder of folders) {
  for (const [kind, cases] of files)
    cases.push(...namesIn(join(folder, kind)).map((name) => compactCase(folder, kind, name)));
}
write(
  'objects',
  Object.fromEntries([...objects].map(([text, entry]) => [entry, JSON.parse(text) as object])),
);
for (const [kind, cases] of files) write(kind, cases);

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

function compactCase(folder: string, kind: CaseKind, name: string): CompactCase {
  const read = (file: string): unknown => parse(readFileSync(join(folder, kind, name, file), 'utf8'));
  const input = withoutFiles(read('input.yaml')) as CaseInput;
  const { steps } = withoutComments(read('expected.yaml')) as { readonly steps: readonly RecordedStep[] };
  const rows = new Map<string, string>();
  const upstreams = [...JSON.stringify(input).matchAll(/"upstream":"([^"]*)"/g)].map(([, one = '']) => one);
  const result = {
    name,
    input,
    steps: steps.map((step) => withObjects(step, (object, key) => place(key, object, upstreams, rows))),
    rows: Object.fromEntries([...rows].map(([text, row]) => [row, JSON.parse(text) as Names])),
  };
  const known = Object.fromEntries([...objects].map(([text, entry]) => [entry, JSON.parse(text) as object]));
  assert.deepEqual(expanded(kind, result, known).steps, steps, `${kind}/${name}`);
  return result;
}

/** Puts the names of the files in `cases/` for their contents. */
function withoutFiles(value: unknown): unknown {
  let text = JSON.stringify(value);
  for (const name of ['ca1.pem', 'ca2.pem']) {
    const content = readFileSync(new URL(`cases/${name}`, import.meta.url), 'utf8');
    text = text.replaceAll(JSON.stringify(content).slice(1, -1), `<${name}>`);
  }
  return JSON.parse(text) as unknown;
}

/** Takes the comments out of Distribution's configurations. The text of the Go extension is its own. */
function withoutComments(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
    key === 'config.yml' && typeof inner === 'string' ? inner.replaceAll(/^ *#.*\n/gm, '') : inner,
  ) as unknown;
}

/** Finds or adds the entry of an object and the row of its names. */
function place(key: string, object: object, upstreams: readonly string[], rows: Map<string, string>): string {
  let text = JSON.stringify(object);
  const names: Record<string, string> = {};
  /** Puts a placeholder for the value that stands between two texts. */
  const take = (name: string, before: string, value: string, after: string): void => {
    const found = new RegExp(`${before}(${value})${after}`).exec(text);
    if (found?.[1] === undefined || found[1] === '') return;
    names[name] = JSON.parse(`"${found[1]}"`) as string;
    text = text.replaceAll(found[0], found[0].replace(found[1], `<${name}>`));
  };
  take('config', '-config-', '[0-9a-f]{8}', '');
  take('reference', 'secret-', '[0-9a-f]{8}', '":');
  take('url', '"remote-url":"', '[^"]+', '"');
  take('url', 'remoteurl: ', '.*?', String.raw`\\n`);
  take('ttl', 'ttl: ', '.*?', String.raw`\\n`);
  take('size', '"storage":"', '[^"]+', '"');
  take('upstream', '"upstream":"', '[^"]+', '"');
  take('label', '"upstream-host":"', '[^"]+', '"');
  for (const [name, value] of [
    ['service', /Service\/(.*)$/.exec(key)?.[1]],
    ['name', upstreams.map(upstreamResourceName).find((one) => isNamed(text, one))],
  ] as const) {
    if (value === undefined || !text.includes(value)) continue;
    names[name] = value;
    text = text.replaceAll(value, `<${name}>`);
  }
  const kind = (/(\w+)\/[^/]*$/.exec(key)?.[1] ?? 'object') + (key.startsWith('shoot:') ? 'InShoot' : '');
  const entry = objects.get(text) ?? numbered(kind);
  objects.set(text, entry);
  if (Object.keys(names).length === 0) return entry;
  const row = JSON.stringify(names);
  if (!rows.has(row)) rows.set(row, `r${rows.size + 1}`);
  return `${entry} ${rows.get(row)}`;
}

function isNamed(text: string, name: string): boolean {
  return text.includes(`"${name}"`) || text.includes(`"${name}-tls`);
}

function numbered(kind: string): string {
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  return `${kind}${count}`;
}

/** Writes YAML in which every innermost list or map is on one line. */
function write(name: string, value: object): void {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Collection: (_, node) => {
      const inner = node.items.map((item) => (isPair(item) ? item.value : item));
      node.flow = !inner.some((one) => isCollection(one));
    },
  });
  const text = document.toString({ lineWidth: 0, indentSeq: false, flowCollectionPadding: false });
  assert.deepEqual(parse(text), value);
  const header = '# Recordings of the Go extension 0.24.0, see recorded-cases.ts.\n';
  writeFileSync(new URL(`cases/${name}.yaml`, import.meta.url), header + text);
}
