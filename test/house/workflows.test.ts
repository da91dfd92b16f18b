/** The workflows of the forge, as far as they can be checked without it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { GROUPS } from '../parts/groups.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIRECTORY = join(ROOT, '.github/workflows');

interface Workflow {
  readonly name: string;
  readonly on: object;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly 'timeout-minutes'?: number | string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly include: readonly Readonly<Record<string, unknown>>[] } };
  readonly steps?: readonly Step[];
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};
const workflows = readdirSync(DIRECTORY).map((file) => {
  const text = readFileSync(join(DIRECTORY, file), 'utf8');
  return { file, text, workflow: parse(text) as Workflow };
});
const workflowOf = (file: string): Workflow => workflows.find((one) => one.file === file)!.workflow;

for (const { file, text, workflow } of workflows)
  describe(`the workflow ${file}`, () => {
    const jobs = Object.entries(workflow.jobs);
    const steps = jobs.flatMap(([, job]) => job.steps ?? []);

    test('may write nothing but in jobs that say so', () => {
      assert.ok(Object.values(workflow.permissions).every((level) => level === 'read'));
    });

    test('ends each job in time', () => {
      for (const [name, job] of jobs)
        assert.ok(job['timeout-minutes'] !== undefined || job.uses !== undefined, name);
    });

    test('pins each action by its commit, and says which version that is', () => {
      for (const [, used = ''] of text.matchAll(/^\s*-? *uses: (.*)$/gm))
        assert.match(
          used,
          /^(?:\.\/\.github\/workflows\/[a-z]+\.yml|[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/,
        );
    });

    test('keeps no token in the checkout', () => {
      for (const { uses = '', with: inputs } of steps)
        if (uses.startsWith('actions/checkout@')) assert.equal(inputs?.['persist-credentials'], false);
    });

    test('calls scripts and files that exist', () => {
      const commands = steps.map(({ run = '' }) => run).join('\n');
      for (const [, script = ''] of commands.matchAll(/\bnpm run ([\w:-]+)/g))
        assert.ok(Object.hasOwn(scripts, script), `npm run ${script}`);
      const files = [...commands.matchAll(/\b(?:node|bash)(?: --test)? ([\w./-]+)/g)];
      assert.ok(files.length > 0);
      for (const [, name = ''] of files) assert.ok(existsSync(join(ROOT, name)), name);
      for (const [, group = ''] of commands.matchAll(/--group (\S+)/g))
        assert.ok(Object.hasOwn(GROUPS, group), group);
      for (const [, job] of jobs)
        if (job.uses !== undefined) assert.ok(existsSync(join(ROOT, job.uses)), job.uses);
    });

    test('puts nothing of a contributor into a command', () => {
      // A title or a branch name in `${{ }}` would be run as a part of the script.
      for (const { run = '' } of steps)
        for (const [, expression = ''] of run.matchAll(/\$\{\{\s*(.*?)\s*\}\}/g))
          assert.match(expression, /^matrix\./);
    });
  });

test('every lane runs for each change', () => {
  const { on, jobs } = workflowOf('ci.yml');
  assert.deepEqual(Object.keys(on), ['push', 'pull_request', 'workflow_call']);
  const lanes = Object.values(jobs).flatMap(
    (job) => job.strategy?.matrix.include.map(({ lane }) => lane) ?? [],
  );
  assert.deepEqual(lanes, ['fast', 'integration', 'kubernetes']);
});

test('a release needs a tag and all lanes, and each of its jobs has what it writes to and no more', () => {
  const { on, jobs } = workflowOf('release.yml');
  assert.deepEqual(on, { push: { tags: ['v*'] } });
  assert.deepEqual(
    Object.entries(jobs).map(([name, { needs, permissions }]) => [name, needs, permissions]),
    [
      ['ci', undefined, { contents: 'read' }],
      ['publish', 'ci', { contents: 'read', packages: 'write', 'id-token': 'write' }],
      ['announce', 'publish', { contents: 'write' }],
    ],
  );
});
