import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import type { Origin } from '../image/oci-image.ts';
import { chartYamlWith, readmeWith, valuesWith, type ChartFacts } from './chart.ts';
import { RELEASED_CHARTS, type ReleasedChart } from './charts.ts';
import { changesOf } from './changelog.ts';
import { checkPublishable } from './check-publishable.ts';
import { forgeOf } from './forge.ts';
import { notesOf } from './notes.ts';
import { statementOf } from './provenance.ts';
import { chartPlace } from './publish.ts';
import { readArguments } from './read-arguments.ts';
import { gardenerReferences } from './registration.ts';

const REVISION = 'a'.repeat(40);
const ORIGIN: Origin = { version: '1.2.3', revision: REVISION, epoch: 1_700_000_000 };
const VARIABLES = {
  GITHUB_SERVER_URL: 'https://forge.example',
  GITHUB_REPOSITORY: 'team/larder',
  GITHUB_REPOSITORY_ID: '7',
  GITHUB_REPOSITORY_OWNER: 'team',
  GITHUB_REPOSITORY_OWNER_ID: '8',
  GITHUB_REF: 'refs/tags/v1.2.3',
  GITHUB_WORKFLOW_REF: 'team/larder/.github/workflows/release.yml@refs/tags/v1.2.3',
  GITHUB_EVENT_NAME: 'push',
  GITHUB_RUN_ID: '42',
  GITHUB_RUN_ATTEMPT: '1',
  RUNNER_ENVIRONMENT: 'github-hosted',
};
const forge = forgeOf(VARIABLES);
const larder = RELEASED_CHARTS[0] as ReleasedChart;

describe('the arguments of a release', () => {
  for (const [args, message] of [
    [[], /--out DIR is missing/],
    [['--out', 'x', '--push', 'registry.example/larder:1.2.3'], /without a tag/],
    [['--out', 'x', '--push', 'registry.example/Team/larder'], /in lower case/],
    [['--out', 'x', '--push', 'registry.example'], /expected REGISTRY\/NAME/],
    [['--out', 'x', '--push', 'registry.example/larder', '--dry-run'], /on this machine only/],
    [['--out', 'x', '--push', 'localhost.example/larder', '--dry-run'], /on this machine only/],
  ] as const)
    test(`${args.join(' ')} is refused`, () => {
      assert.throws(() => readArguments(args), message);
    });

  test('a dry run pushes to loopback, others anywhere', () => {
    for (const push of ['localhost:5000/larder', '127.0.0.1/a/b', '[::1]:5000/larder'])
      assert.deepEqual(readArguments(['--out', 'x', '--push', push, '--dry-run']), {
        out: 'x',
        push,
        dryRun: true,
      });
    assert.equal(readArguments(['--out', 'x', '--push', 'r.example:5000/a/larder']).dryRun, false);
  });
});

describe('a release is published', () => {
  test('by the workflow run of its tag', () => {
    checkPublishable(ORIGIN, forge, []);
  });

  for (const [title, origin, run, changes, message] of [
    ['outside of a workflow', ORIGIN, undefined, [], /only a workflow run publishes/],
    ['by the run of another tag', { ...ORIGIN, version: '1.2.4' }, forge, [], /is not the tag v1\.2\.4/],
    ['with changes', { ...ORIGIN, revision: `${REVISION}-dirty` }, forge, [], /has changes/],
    ['without a section in the changelog', ORIGIN, forge, undefined, /no section "## 1\.2\.3"/],
  ] as const)
    test(`and not ${title}`, () => {
      assert.throws(() => checkPublishable(origin, run, changes), message);
    });

  test('and a missing variable of the forge is named', () => {
    assert.equal(forgeOf({}), undefined);
    assert.throws(() => forgeOf({ ...VARIABLES, GITHUB_REF: undefined }), /GITHUB_REF is not set/);
  });
});

test('the changes of a version are the entries of its section, a line each', () => {
  const changelog = [
    '# Changelog\n\n## Unreleased\n\n- new\n\n## 1.2.3 (2026-12-01)\n\n- one\n  two\n- three\n',
    '## 1.2.30\n\n- old\n',
  ].join('\n');
  assert.deepEqual(changesOf(changelog, '1.2.3'), ['one two', 'three']);
  assert.deepEqual(changesOf(changelog, 'Unreleased'), ['new']);
  assert.equal(changesOf(changelog, '1.2'), undefined);
});

describe('the charts of a release', () => {
  const read = (name: string, chart = larder) => readFileSync(join(chart.folder, name), 'utf8');
  const facts: ChartFacts = {
    version: '1.2.3',
    changes: ['one: two', '`three`'],
    forge,
    image: 'registry.example/team/larder',
    platforms: ['linux/amd64'],
  };
  const local: ChartFacts = { ...facts, forge: undefined, image: undefined };

  interface ChartYaml {
    readonly home?: string;
    readonly sources?: readonly string[];
    readonly maintainers?: readonly object[];
    readonly annotations: Readonly<Record<string, string>>;
  }

  test('name the place where they are published', () => {
    const chart = parse(chartYamlWith(read('Chart.yaml'), larder, facts)) as ChartYaml;
    const home = 'https://forge.example/team/larder';
    assert.deepEqual(
      [chart.home, chart.sources, chart.maintainers],
      [home, [`${home}/tree/v1.2.3`], [{ name: 'team', url: 'https://forge.example/team' }]],
    );
    const annotation = (name: string): unknown => parse(chart.annotations[`artifacthub.io/${name}`] ?? '');
    assert.deepEqual(annotation('changes'), ['one: two', '`three`']);
    assert.deepEqual(annotation('images'), [
      { name: 'larder', image: 'registry.example/team/larder:1.2.3', platforms: ['linux/amd64'] },
    ]);
    assert.equal((annotation('links') as object[]).length, 2);
    assert.equal(annotation('operator'), true);
  });

  test('name no address where nothing is published', () => {
    const chart = parse(chartYamlWith(read('Chart.yaml'), larder, local)) as ChartYaml;
    assert.deepEqual([chart.home, chart.sources, chart.maintainers], [undefined, undefined, undefined]);
    assert.equal(chart.annotations['artifacthub.io/images'], undefined);
    assert.equal(valuesWith(read('values.yaml'), local), read('values.yaml'));
    assert.equal(readmeWith(read('README.md'), local), read('README.md'));
  });

  test('differ in their values by the repository of the image alone', () => {
    for (const chart of RELEASED_CHARTS.filter(({ hasImage }) => hasImage)) {
      const before = read('values.yaml', chart).split('\n');
      const after = valuesWith(read('values.yaml', chart), facts).split('\n');
      assert.deepEqual(
        after.filter((line, index) => line !== before[index]),
        ["  repository: 'registry.example/team/larder'"],
        chart.name,
      );
      assert.equal(after.length, before.length);
    }
  });

  test('are that for clusters, and those for Gardener under the names of the Go extension', () => {
    assert.deepEqual(
      RELEASED_CHARTS.map(({ path, name, file, hasImage }) => [`${path}${name}`, file, hasImage]),
      [
        ['larder', 'larder-chart', true],
        ['gardener/extensions/registry-cache', 'gardener-registry-cache', true],
        [
          'gardener/extensions/admission-registry-cache-runtime',
          'gardener-admission-registry-cache-runtime',
          true,
        ],
        [
          'gardener/extensions/admission-registry-cache-application',
          'gardener-admission-registry-cache-application',
          false,
        ],
      ],
    );
    for (const chart of RELEASED_CHARTS) {
      assert.equal((parse(read('Chart.yaml', chart)) as { name: string }).name, chart.name);
      const values = parse(read('values.yaml', chart)) as { image?: { repository: string } };
      assert.deepEqual(values.image?.repository, chart.hasImage ? '' : undefined);
    }
    const rights = RELEASED_CHARTS.find(({ hasImage }) => !hasImage);
    assert.ok(rights !== undefined);
    const { annotations } = parse(chartYamlWith(read('Chart.yaml', rights), rights, facts)) as ChartYaml;
    assert.equal(annotations['artifacthub.io/images'], undefined);
    assert.match(annotations['artifacthub.io/links'] ?? '', /docs\/guide\/gardener\.md/);
  });

  test('have a README whose links work', () => {
    const text = readmeWith(read('README.md'), facts);
    assert.doesNotMatch(text, /\]\(\.\./);
    assert.match(
      text,
      /\(https:\/\/forge\.example\/team\/larder\/blob\/v1\.2\.3\/docs\/guide\/kubernetes\.md\)/,
    );
  });
});

describe('what a release publishes', () => {
  const place = chartPlace('registry.example/team/larder');
  const charts = RELEASED_CHARTS.map(({ path, name }, index) => ({
    name: `${place}/${path}${name}`,
    digest: `sha256:${String(index).repeat(64)}`,
  }));
  const image = { name: 'registry.example/team/larder', digest: `sha256:${'f'.repeat(64)}` };

  test('is registered with Gardener by tag and digest', () => {
    assert.deepEqual(gardenerReferences({ image, charts }, '1.2.3'), {
      extension: `registry.example/team/charts/gardener/extensions/registry-cache:1.2.3@${charts[1]?.digest}`,
      runtime: `registry.example/team/charts/gardener/extensions/admission-registry-cache-runtime:1.2.3@${charts[2]?.digest}`,
      application: `registry.example/team/charts/gardener/extensions/admission-registry-cache-application:1.2.3@${charts[3]?.digest}`,
    });
    assert.throws(
      () => gardenerReferences({ image, charts: [] }, '1.2.3'),
      /registry-cache was not published/,
    );
  });

  test('is in the notes by tag and digest, after the changes', () => {
    assert.equal(notesOf(['one', 'two'], '1.2.3'), '- one\n- two\n');
    assert.equal(
      notesOf(['one'], '1.2.3', [image]),
      `- one\n\nImage and charts:\n\n    registry.example/team/larder:1.2.3@${image.digest}\n`,
    );
  });
});

describe('the provenance of a release', () => {
  const artifacts = [{ name: 'larder-1.2.3.tgz', digest: `sha256:${'b'.repeat(64)}` }];
  const build = { origin: ORIGIN, started: new Date(0), finished: new Date(1000) };

  test('is a statement of in-toto about every artifact, with the predicate of SLSA', () => {
    const { predicate, ...statement } = statementOf(artifacts, { ...build, forge });
    assert.deepEqual(statement, {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'larder-1.2.3.tgz', digest: { sha256: 'b'.repeat(64) } }],
      predicateType: 'https://slsa.dev/provenance/v1',
    });
    assert.deepEqual(predicate, {
      buildDefinition: {
        buildType: 'https://actions.github.io/buildtypes/workflow/v1',
        externalParameters: {
          workflow: {
            ref: 'refs/tags/v1.2.3',
            repository: 'https://forge.example/team/larder',
            path: '.github/workflows/release.yml',
          },
        },
        internalParameters: {
          github: {
            event_name: 'push',
            repository_id: '7',
            repository_owner_id: '8',
            runner_environment: 'github-hosted',
          },
        },
        resolvedDependencies: [
          {
            uri: 'git+https://forge.example/team/larder@refs/tags/v1.2.3',
            digest: { gitCommit: REVISION },
          },
        ],
      },
      runDetails: {
        builder: {
          id: 'https://forge.example/team/larder/.github/workflows/release.yml@refs/tags/v1.2.3',
        },
        metadata: {
          invocationId: 'https://forge.example/team/larder/actions/runs/42/attempts/1',
          startedOn: '1970-01-01T00:00:00.000Z',
          finishedOn: '1970-01-01T00:00:01.000Z',
        },
      },
    });
  });

  test('claims no builder outside of a workflow run', () => {
    const { predicate } = statementOf(artifacts, { ...build, forge: undefined });
    assert.match(JSON.stringify(predicate), /"builder":\{"id":"urn:larder:unknown-builder"\}/);
  });
});
