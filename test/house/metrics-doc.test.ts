import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/kit/metrics.ts';
import { readPage, tableRows } from './markdown.ts';

const rows = tableRows(readPage('metrics.md'), 'Name');

/** What the registry keeps of a metric. */
interface Declared {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

test('the page has one row for each metric, with type, labels and help, in the order of the code', async () => {
  const { registry, ...metrics } = createMetrics();
  const text = await registry.metrics();
  const declared = Object.values(metrics).map((metric) => {
    const { name, help, labelNames } = metric as unknown as Declared;
    const type = new RegExp(`^# TYPE ${name} (\\w+)$`, 'm').exec(text)?.[1];
    return [name, type, labelNames.join(', '), help];
  });
  assert.deepEqual(
    rows.map(([name, type, labels, help]) => [name, type, labels?.replaceAll('`', ''), help]),
    declared,
  );
});

test('every row says what the metric means for an operator', () => {
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
