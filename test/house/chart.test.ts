import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { valueList } from '../../deploy/chart-files/value-list.ts';
import { valuesSchema } from '../../deploy/chart-files/values.ts';
import { tableRows } from './markdown.ts';

test('the chart and its appVersion have the version of the package', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const chart = parse(read('deploy/charts/larder/Chart.yaml')) as { version: string; appVersion: string };
  assert.deepEqual([chart.version, chart.appVersion], [version, version]);
});

test('values.yaml has the defaults of every value', () => {
  assert.deepEqual(parse(read('deploy/charts/larder/values.yaml')), valuesSchema.parse({}));
});

test("the chart's README has every value with default and meaning, in the order of values.yaml", () => {
  assert.deepEqual(
    tableRows(read('deploy/charts/larder/README.md'), 'Value'),
    valueList().map(({ path, standard, description }) => [
      path.join('.'),
      standard === '' ? '' : JSON.stringify(standard),
      description,
    ]),
  );
});

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}
