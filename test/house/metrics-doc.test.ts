import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { declareCacheMetrics } from '../../src/cache/metrics.ts';
import { declareAdmissionMetrics } from '../../src/gardener/metrics.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import { declareStoreMetrics } from '../../src/store/metrics.ts';
import { declareUpstreamMetrics } from '../../src/upstream/metrics.ts';
import { readPage, tableRows } from './markdown.ts';

/** Metric as the registry has it. */
interface Declared {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

const sections = readPage('metrics.md').split(/^## /m).slice(1);
const rows = sections.flatMap((section) => tableRows(section, 'Name'));

describe('a section of the page has one row for each metric that its room declares, with type, labels and help, in the order of the code', () => {
  const upstream = namesOf(declareUpstreamMetrics);
  const store = namesOf(declareStoreMetrics);
  const expected = {
    'Requests and configuration': namesOf(declareCacheMetrics).filter(
      (name) => !upstream.includes(name) && !store.includes(name),
    ),
    Upstreams: upstream,
    'The store': store,
    Kubernetes: namesOf(declareKubeMetrics),
    Gardener: namesOf(declareAdmissionMetrics),
  };
  for (const [title, names] of Object.entries(expected)) {
    test(title, () => assert.deepEqual(namesIn(title), names));
  }
});

test('every row has type, labels and help as in the code', async () => {
  const declared = [
    ...(await described(declareCacheMetrics)),
    ...(await described(declareKubeMetrics)),
    ...(await described(declareAdmissionMetrics)),
  ];
  for (const [name, type, labels, help] of rows)
    assert.deepEqual(
      [name, type, labels?.replaceAll('`', ''), help],
      declared.find(([one]) => one === name),
    );
});

test('every row explains the metric for operators', () => {
  for (const [name, , , , meaning = '', ...more] of rows) {
    assert.match(meaning, /^.{10,}\.$/, name);
    assert.deepEqual(more, []);
  }
});

test('apart from the five names of Distribution, every metric begins with larder_, and only counters end with _total', () => {
  for (const [name = '', type] of rows) {
    assert.match(name, /^(larder|registry_proxy)_/);
    assert.equal(name.endsWith('_total'), type === 'counter');
  }
  assert.equal(rows.filter(([name]) => name?.startsWith('registry_proxy_')).length, 5);
});

type Declare = (registry: ReturnType<typeof createMetricsRegistry>) => object;

function namesIn(title: string): (string | undefined)[] {
  const section = sections.find((one) => one.startsWith(`${title}\n`)) ?? '';
  return tableRows(section, 'Name').map(([name]) => name);
}

function namesOf(declare: Declare): string[] {
  return declaredBy(declare).metrics.map(({ name }) => name);
}

async function described(declare: Declare): Promise<(string | undefined)[][]> {
  const { registry, metrics } = declaredBy(declare);
  const text = await registry.metrics();
  return metrics.map(({ name, help, labelNames }) => [
    name,
    new RegExp(`^# TYPE ${name} (\\w+)$`, 'm').exec(text)?.[1],
    labelNames.join(', '),
    help,
  ]);
}

function declaredBy(declare: Declare) {
  const declarer = createMetricsRegistry();
  const { registry } = declarer;
  const declared = Object.values(declare(declarer)).filter((one) => one !== registry);
  return { registry, metrics: declared as unknown as Declared[] };
}
