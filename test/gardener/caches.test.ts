/** Recorded sequences of the Go extension, played to the controllers with the real work on caches, from end to end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startCachesWorld } from './caches-world.ts';
import { differencesOf, explains, listedDifferences } from './differences.ts';
import { meaningOf } from './meaning.ts';
import { playCaches } from './play-caches.ts';
import { recordedCases } from './recorded-cases.ts';
import { rememberedCertificates } from './remembered-certificates.ts';

const listed = listedDifferences('reconcile', 'lifecycle');
const certificates = rememberedCertificates();
const cases = [...recordedCases('reconcile'), ...recordedCases('lifecycle')];

describe('Extensions go as recorded, with all objects', () => {
  const used = new Map(listed.map((entry) => [entry, 0]));
  const counts = { equal: 0, listed: 0, different: 0 };

  for (const { name, input, steps } of cases) {
    test(name, async () => {
      const namespace = `shoot--p--${name.split('/')[1]}`;
      await using lab = await startCachesWorld({ namespace, input, certificates });
      lab.start();
      const played = await playCaches(lab, input, steps);
      const differences = [...differencesOf(meaningOf({ steps }), meaningOf({ steps: played }))];
      const open = differences.filter((difference) => {
        const entry = listed.find((candidate) => explains(candidate, name, difference));
        if (entry !== undefined) used.set(entry, (used.get(entry) ?? 0) + 1);
        return entry === undefined;
      });
      counts[open.length > 0 ? 'different' : differences.length > 0 ? 'listed' : 'equal'] += 1;
      assert.deepEqual(open, []);
    });
  }

  test('and the list of differences has no entry that explains nothing', (context) => {
    context.diagnostic(
      `${counts.equal} equal, ${counts.listed} equal but for what is listed, ${counts.different} different`,
    );
    assert.deepEqual(
      listed.filter((entry) => used.get(entry) === 0),
      [],
    );
    assert.deepEqual([counts.equal + counts.listed, counts.different], [cases.length, 0]);
  });
});
