/** Recorded answers of the Go extension's webhooks for configurations of nodes, compared with those of Larder, object for object. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startCachesWorld } from './caches-world.ts';
import { differencesOf, explains, listedDifferences } from './differences.ts';
import { meaningOf } from './meaning.ts';
import { playCaches } from './play-caches.ts';
import { recordedCases } from './recorded-cases.ts';
import { rememberedCertificates } from './remembered-certificates.ts';

const listed = listedDifferences('osc');
const certificates = rememberedCertificates();
const cases = recordedCases('osc');

describe('nodes get what they got from the Go extension', () => {
  const used = new Set<(typeof listed)[number]>();
  const counts = { equal: 0, listed: 0, different: 0 };

  for (const { name, input, steps } of cases) {
    test(name, async () => {
      const namespace = `shoot--p--${name.split('/')[1]}`;
      await using lab = await startCachesWorld({ namespace, input, certificates });
      const played = await playCaches(lab, input, steps);
      const differences = [...differencesOf(meaningOf({ steps }), meaningOf({ steps: played }))];
      const open = differences.filter((difference) => {
        const entry = listed.find((candidate) => explains(candidate, name, difference));
        if (entry !== undefined) used.add(entry);
        return entry === undefined;
      });
      counts[open.length > 0 ? 'different' : differences.length > 0 ? 'listed' : 'equal'] += 1;
      assert.deepEqual(open, []);
    });
  }

  test('but for what is listed, and the list has no entry that explains nothing', (context) => {
    context.diagnostic(
      `${counts.equal} equal, ${counts.listed} equal but for what is listed, ${counts.different} different`,
    );
    assert.deepEqual(
      listed.filter((entry) => entry.cases?.startsWith('osc/') === true && !used.has(entry)),
      [],
    );
    assert.deepEqual([counts.equal + counts.listed, counts.different], [cases.length, 0]);
  });
});
