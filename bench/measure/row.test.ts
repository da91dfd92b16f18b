import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from './row.ts';

test('ratios are computed per round, so that a slow minute of the machine cancels out', () => {
  const samples = {
    larder: [{ rate: 2 }, { rate: 1 }, { rate: 3 }],
    nginx: [{ rate: 4 }, { rate: 2 }, { rate: 3 }],
  };
  const label = { what: 'warm blob', unit: 'GB/s', better: 'more' } as const;
  assert.deepEqual(compare(label, samples, 'rate'), [
    {
      ...label,
      larder: { median: 2, min: 1, max: 3 },
      against: 'nginx',
      other: { median: 3, min: 2, max: 4 },
      ratio: { median: 0.5, min: 0.5, max: 1 },
    },
  ]);
});

test('every contestant except Larder has a row', () => {
  const samples = { origin: [{ s: 1 }], larder: [{ s: 2 }], nginx: [{ s: 4 }] };
  const rows = compare({ what: 'cold blob', unit: 's', better: 'less' }, samples, 's');
  assert.deepEqual(
    rows.map(({ against, ratio }) => [against, ratio.median]),
    [
      ['origin', 2],
      ['nginx', 0.5],
    ],
  );
});
