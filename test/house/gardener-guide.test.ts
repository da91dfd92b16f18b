import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import {
  GARDENER_CHARTS,
  GARDENER_CHARTS_PATH,
  gardenerChartVersion,
} from '../../deploy/chart-files/gardener-chart-yaml.ts';

const read = (name: string): string => readFileSync(join(import.meta.dirname, '../..', name), 'utf8');
const guide = read('docs/guide/gardener.md');

describe('the guide for Gardener', () => {
  test('has the Extension of deploy/gardener, with values for charts of a checkout', () => {
    const [, text = ''] = /^```yml\n(apiVersion: operator\.gardener.*?)^```/ms.exec(guide) ?? [];
    const shown = text
      .replaceAll('images.example.com/charts', 'registry.example.com/charts')
      .replaceAll(':VERSION', `:${gardenerChartVersion()}`);
    const { deployment } = (parse(shown) as { spec: { deployment: object } }).spec;
    const values = { image: { repository: 'images.example.com/larder' } };
    const published = parse(read('deploy/gardener/extension.yaml')) as {
      spec: { deployment: { extension: object; admission: object } };
    };
    const { extension, admission } = published.spec.deployment;
    assert.deepEqual(deployment, {
      extension: { ...extension, values },
      admission: { ...admission, values },
    });
    assert.partialDeepStrictEqual(published, { ...(parse(shown) as object), spec: {} });
  });

  test('lists each chart', () => {
    for (const { name } of GARDENER_CHARTS)
      assert.ok(guide.includes(`| \`charts/${GARDENER_CHARTS_PATH}/${name}\` |`), name);
  });

  test('alerts on metrics that there are', () => {
    const reference = read('docs/reference/metrics.md');
    const names = [...guide.matchAll(/larder_[a-z_]+[a-z](?=[{ `])/g)].map(([name]) => name);
    assert.ok(names.length >= 5);
    for (const name of names) assert.ok(reference.includes(`\`${name}\``), name);
  });
});
