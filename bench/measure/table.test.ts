import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable } from './table.ts';

const same = (value: number) => ({ median: value, min: value, max: value });

test('the table is aligned and has three digits, and no ratio to nothing', () => {
  const rows = [
    {
      what: 'warm blob',
      unit: 'GB/s',
      better: 'more',
      larder: same(2.4567),
      against: 'nginx',
      other: same(3),
      ratio: { median: 0.8189, min: 0.0456, max: 12.34 },
    },
    {
      what: 'manifest',
      unit: 'answers/s',
      better: 'more',
      larder: same(61_234),
      against: 'distribution',
      other: same(0),
      ratio: same(Infinity),
    },
  ] as const;
  assert.equal(
    formatTable(rows),
    `what is measured     better  Larder  against         ratio  min to max
warm blob, GB/s      more      2.46  nginx 3.00      0.819  0.0456 to 12.3
manifest, answers/s  more     61200  distribution 0      -  -
`,
  );
});
