import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type YAMLError,
} from 'yaml';
import { errorText } from '../errors.ts';
import { problemsAt, type FieldPath, type Problem } from './field-problem.ts';

/** A parsed text. `value` is undefined for text that is no YAML. `problems` is empty if every key occurs once. */
export interface YamlText {
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

export interface YamlOptions {
  /** Complete path of the document; every path begins with it. */
  readonly prefix?: string;
  /**
   * True for a text with passwords in it. Every scalar but `null` is then read as the text that is there: a user named `0123` or `true`
   * stays one. No problem repeats a value.
   */
  readonly holdsSecrets?: boolean;
}

/**
 * Reads one document of YAML 1.2 or JSON, with anchors and merge keys (`<<`). A key that occurs twice in a map is a problem with
 * path and line, and the last occurrence counts. Never throws.
 */
export function readYamlText(
  text: string,
  { prefix = '', holdsSecrets = false }: YamlOptions = {},
): YamlText {
  const lines = new LineCounter();
  const problems = problemsAt(prefix);
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      logLevel: 'error',
      merge: true,
      prettyErrors: false, // pretty errors quote the source, which may hold anything
      uniqueKeys: false,
      ...(holdsSecrets && { schema: 'failsafe', customTags: ['null'] }),
    });
    const faults = [...document.errors, ...document.warnings].map((fault) => {
      const { line, col } = lines.linePos(fault.pos[0]);
      return problems.syntax(`line ${line}, column ${col}: ${messageOf(fault, holdsSecrets)}`);
    });
    if (faults.length > 0) return { value: undefined, problems: faults };
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return {
      value,
      problems: repeatedKeys(document).map(({ path, offset }) =>
        problems.repeatedField(path, lines.linePos(offset).line),
      ),
    };
  } catch (error) {
    // Resolving aliases failed, or the nesting is deeper than the stack. Neither has a position.
    return {
      value: undefined,
      problems: [
        problems.syntax(
          holdsSecrets ? 'not valid YAML (an alias without an anchor, or too deep)' : errorText(error),
        ),
      ],
    };
  }
}

/** The words of the yaml package often repeat a part of the text; its codes do not. */
function messageOf({ code, message }: YAMLError, holdsSecrets: boolean): string {
  if (code === 'MULTIPLE_DOCS') return 'expected one document, found several';
  return holdsSecrets ? `not valid YAML (${code})` : message;
}

interface RepeatedKey {
  readonly path: FieldPath;
  readonly offset: number;
}

function repeatedKeys(document: Document): RepeatedKey[] {
  const found: RepeatedKey[] = [];
  const walk = (node: unknown, path: FieldPath): void => {
    if (isAlias(node)) return; // the target is walked at its own place
    if (isSeq(node)) node.items.forEach((item, index) => walk(item, [...path, index]));
    if (!isMap(node)) return;
    const seen = new Set<string>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      const below = [...path, name];
      if (seen.has(name) && name !== '<<') {
        found.push({ path: below, offset: isScalar(key) ? (key.range?.[0] ?? 0) : 0 });
      }
      seen.add(name);
      walk(value, below);
    }
  };
  walk(document.contents, []);
  return found;
}
