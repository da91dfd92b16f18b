import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { docSteps, withNames, type DocStep } from './doc-commands.ts';

const PAGE = `
# A page

<!-- step: look -->
\`\`\`console
$ kubectl get pods
NAME   READY
web    1/1
$ kubectl logs \\
    web
\`\`\`

\`\`\`console
$ for readers only
\`\`\`

<!-- step: apply -->
\`\`\`console
$ kubectl apply -f - <<'EOF'
kind: Pod
$ is no prompt in here
EOF
pod/web created
$ cat <<< word
\`\`\`
`;

describe('the commands of a page', () => {
  test('are those of the tagged blocks, with here-documents, continued lines and output', () => {
    assert.deepEqual(docSteps(PAGE), [
      {
        name: 'look',
        commands: [
          { text: 'kubectl get pods', output: 'NAME   READY\nweb    1/1' },
          { text: 'kubectl logs \\\n    web', output: '' },
        ],
      },
      {
        name: 'apply',
        commands: [
          {
            text: "kubectl apply -f - <<'EOF'\nkind: Pod\n$ is no prompt in here\nEOF",
            output: 'pod/web created',
          },
          { text: 'cat <<< word', output: '' },
        ],
      },
    ]);
  });

  for (const [title, page, message] of [
    ['a tag without a block', '<!-- step: a -->\n\ntext', /line 1: no ```console below step a/],
    ['a block of another kind', '<!-- step: a -->\n```sh\nls\n```', /line 1: no ```console/],
    ['a block without an end', '<!-- step: a -->\n```console\n$ ls', /line 1: step a has no end/],
    ['a block without a command', '<!-- step: a -->\n```console\n```', /line 3: .* without a command/],
    [
      'output before the first command',
      '<!-- step: a -->\n```console\nls\n```',
      /line 3: .* begins with "\$ "/,
    ],
    [
      'a here-document without an end',
      '<!-- step: a -->\n```console\n$ cat <<EOF\n```',
      /line 3: .* without an end/,
    ],
    [
      'a line that goes on nowhere',
      '<!-- step: a -->\n```console\n$ ls \\\n```',
      /line 3: .* without an end/,
    ],
    ['a misspelt tag', '<!-- step a -->\n```console\n$ ls\n```', /line 1: a tag is/],
    [
      'a name twice',
      '<!-- step: a -->\n```console\n$ a\n```\n<!-- step: a -->\n```console\n$ b\n```',
      /line 5: a second step a/,
    ],
  ] as const) {
    test(`are not confused with ${title}`, () => {
      assert.throws(() => docSteps(page), message);
    });
  }

  test('are read as they were written', () => {
    const word = fc.stringMatching(/^[a-z0-9 .=-]*[a-z0-9]$/);
    const hereDocument = fc
      .array(fc.stringMatching(/^[$ a-z:]*$/))
      .map((body) => ["cat <<'EOF'", ...body, 'EOF']);
    const text = fc.oneof(
      word,
      fc.array(word, { minLength: 1 }).map((words) => words.join(' \\\n')),
      hereDocument.map((lines) => lines.join('\n')),
    );
    const output = fc.array(word).map((lines) => lines.join('\n'));
    const commands = fc.array(fc.record({ text, output }, { noNullPrototype: true }), { minLength: 1 });
    const steps = fc.uniqueArray(
      fc.record({ name: fc.stringMatching(/^[a-z0-9-]+$/), commands }, { noNullPrototype: true }),
      {
        selector: ({ name }) => name,
      },
    );
    fc.assert(fc.property(steps, (some) => assert.deepEqual(docSteps(pageOf(some)), some)));
  });
});

describe('names of a page', () => {
  test('are replaced all at once, the longest first', () => {
    assert.equal(
      withNames('pull registry.example.com/larder registry.example.com b.c', {
        'registry.example.com': 'b.c',
        'registry.example.com/larder': 'a',
        'b.c': 'wrong',
      }),
      'pull a b.c wrong',
    );
    assert.equal(withNames('as it is', {}), 'as it is');
  });
});

function pageOf(steps: readonly DocStep[]): string {
  const blocks = steps.map(({ name, commands }) => {
    const lines = commands.flatMap(({ text, output }) => [`$ ${text}`, ...(output === '' ? [] : [output])]);
    return `Text.\n\n<!-- step: ${name} -->\n\`\`\`console\n${lines.join('\n')}\n\`\`\`\n`;
  });
  return blocks.join('\n');
}
