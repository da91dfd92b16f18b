import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, Option } from 'commander';
import { EXIT } from '../../src/cli/exit.ts';
import type { CommandIo } from '../../src/cli/command.ts';
import { readPage, tableRows } from './markdown.ts';
import { commandsOf } from '../../src/cli/commands.ts';

const io: CommandIo = {
  environment: {},
  isTerminal: false,
  version: '1.2.3',
  out() {},
  err() {},
  readInput: () => Promise.resolve(''),
  onSignal: () => () => {},
};

const page = readPage('cli.md');
const sections = new Map(page.split(/^## /m).map((section) => [section.split('\n')[0], section]));
const commands = commandsOf(io).map((command) => command.build(() => {}));

test('every command has a section named after its call, and there are no other sections', () => {
  assert.deepEqual(
    [...sections.keys()].filter((heading) => heading?.startsWith('`larder ')),
    commands.map((command) => `\`${['larder', command.name(), ...argumentsOf(command)].join(' ')}\``),
  );
});

test('every flag has a row with environment variable and default, in the order of the help', () => {
  for (const command of commands.filter(({ options }) => options.length > 0)) {
    const heading = [...sections.keys()].find((key) => key?.startsWith(`\`larder ${command.name()}`));
    const rows = tableRows(sections.get(heading) ?? '', 'Flag');
    assert.deepEqual(
      rows.map(([flag, variable, standard]) => [flag, variable, standard?.replaceAll('`', '')]),
      command.options.map((option) => [option.flags, option.envVar ?? '', defaultOf(option)]),
    );
    for (const [flag, , , meaning = ''] of rows) assert.match(meaning, /^.{10,}\.$/, flag);
  }
});

test('every choice of a flag is named in its row', () => {
  for (const option of commands.flatMap((command) => command.options)) {
    const row = page.split('\n').find((line) => line.includes(`\`${option.flags}\``)) ?? '';
    for (const choice of option.argChoices ?? [])
      assert.ok(row.includes(`\`${choice}\``), `${option.flags}: ${choice}`);
  }
});

test('the exit codes are those of the code', () => {
  assert.deepEqual(
    tableRows(sections.get('Exit codes') ?? '', 'Code').map(([code]) => Number(code)),
    Object.values(EXIT),
  );
});

function argumentsOf(command: Command): string[] {
  return command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
}

/** Default in the help: commander's, or the one in brackets in the description. Defaults that are paths of this machine are described. */
function defaultOf({ defaultValue, defaultValueDescription, description, required }: Option): string {
  const described = defaultValueDescription ?? /\(default: (.+)\)$/.exec(description)?.[1];
  const known = described ?? (typeof defaultValue === 'string' ? defaultValue : undefined);
  return known ?? (required ? 'none' : '');
}
