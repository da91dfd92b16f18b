/** One tagged block of commands of a page, which a reader runs in one go. */
export interface DocStep {
  readonly name: string;
  readonly commands: readonly DocCommand[];
}

export interface DocCommand {
  /** The text for a shell: several lines for a here-document, or for lines that end with a backslash. */
  readonly text: string;
  /** The output as the page has it; empty if the page has none. */
  readonly output: string;
}

const TAG = /^<!-- step: ([a-z0-9-]+) -->$/;
const OPEN = '```console';
const CLOSE = '```';
const PROMPT = '$ ';
const HERE_DOCUMENT = /(?<!<)<<(?!<)-?\s*(['"]?)(\w+)\1/;

/**
 * Reads the commands of a page for its reader, in the order of the page: each block that begins with "```console" right below a line
 * `<!-- step: NAME -->`. A command begins with `$ `, and its output follows. Blocks without such a line are for readers alone. Throws an
 * `Error` with the line number for a page that breaks these rules, so that no step is ever lost.
 */
export function docSteps(page: string): DocStep[] {
  const lines = page.split('\n');
  const steps: DocStep[] = [];
  for (const [index, line] of lines.entries()) {
    const name = TAG.exec(line.trim())?.[1];
    if (name === undefined) {
      if (line.includes('<!-- step')) throw problem(index, 'a tag is <!-- step: NAME -->, alone on its line');
      continue;
    }
    if (steps.some((step) => step.name === name)) throw problem(index, `a second step ${name}`);
    if (lines[index + 1] !== OPEN) throw problem(index, `no ${OPEN} below step ${name}`);
    const end = lines.indexOf(CLOSE, index + 2);
    if (end === -1) throw problem(index, `step ${name} has no end`);
    steps.push({ name, commands: commandsOf(lines.slice(index + 2, end), index + 2) });
  }
  return steps;
}

/** The commands of a step. Throws an `Error` if the page has no such step. */
export function commandsOfStep(steps: readonly DocStep[], name: string): readonly DocCommand[] {
  const step = steps.find((one) => one.name === name);
  if (step === undefined) throw new Error(`the page has no step ${name}`);
  return step.commands;
}

/** A command with other names than those of the page: replaces each key of `names` by its value, the longest first, all at once. */
export function withNames(command: string, names: Readonly<Record<string, string>>): string {
  const known = Object.keys(names).sort((a, b) => b.length - a.length);
  if (known.length === 0) return command;
  const any = new RegExp(known.map((name) => RegExp.escape(name)).join('|'), 'g');
  return command.replace(any, (name) => names[name] ?? name);
}

function commandsOf(lines: readonly string[], offset: number): DocCommand[] {
  const commands: { text: string; output: string[] }[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (!line.startsWith(PROMPT)) {
      const last = commands.at(-1);
      if (last === undefined) throw problem(offset + at, `a block of commands begins with "${PROMPT}"`);
      last.output.push(line);
      continue;
    }
    const end = endOfCommand(lines, at);
    if (end === -1) throw problem(offset + at, 'a command without an end');
    const text = [line.slice(PROMPT.length), ...lines.slice(at + 1, end + 1)].join('\n');
    commands.push({ text, output: [] });
    at = end;
  }
  if (commands.length === 0) throw problem(offset, 'a block of commands without a command');
  return commands.map(({ text, output }) => ({ text, output: output.join('\n') }));
}

/** The index of the last line of the command that begins at `start`; -1 when there is none. */
function endOfCommand(lines: readonly string[], start: number): number {
  let end = start;
  while (lines[end]?.endsWith('\\')) end++;
  if (end >= lines.length) return -1;
  const word = HERE_DOCUMENT.exec(lines.slice(start, end + 1).join('\n'))?.[2];
  return word === undefined ? end : lines.indexOf(word, end + 1);
}

function problem(index: number, text: string): Error {
  return new Error(`line ${index + 1}: ${text}`);
}
