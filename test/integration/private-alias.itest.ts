import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { requireParts } from '../parts/find.ts';
import type { Account } from '../parts/token-server.ts';
import { tryPull, type Client, type Pull } from './client-table.ts';
import { contentOf, fillFor, tokensFor, type Content } from './private-content.ts';
import {
  ALICE,
  blobsAskedDuring,
  BOB,
  OWNER,
  startPrivateSetting,
  type PrivateSetting,
} from './private-setting.ts';
import { assertNotPulled, assertPulled, assertRefused } from './pull-assertions.ts';
import { COMMANDS, hostOf } from './pullers.ts';

const NEEDED = ['registry3', 'registry2', 'htpasswd', ...COMMANDS.map(({ part }) => part)] as const;

/** Aliases of the upstreams, which clients write before the repository. */
const TOKENS = 'tokens.test';
const BASIC = 'basic.test';
const ALIASES = [TOKENS, BASIC] as const;
type Alias = (typeof ALIASES)[number];

const GUESSED: Account = { ...ALICE, password: 'guessed' };

describe('images behind several upstreams, with Larder as the token server', requireParts(NEEDED), () => {
  let setting: PrivateSetting<Alias>;
  before(async () => {
    setting = await startPrivateSetting({
      upstreams: {
        [TOKENS]: { part: 'registry3', auth: tokensFor(COMMANDS.length) },
        [BASIC]: { part: 'registry2', auth: { kind: 'basic', account: OWNER } },
      },
      authentication: { realm: 'Cache', outageGrace: '10m' },
      fill: (registry) => fillFor(COMMANDS.length, registry),
    });
  });
  after(() => setting?.[Symbol.asyncDispose]());

  for (const alias of ALIASES) {
    for (const [index, client] of COMMANDS.entries()) {
      describe(`${client.name} from ${alias}`, () => {
        const { images } = contentOf(index);
        const pull = (kind: keyof Content['images'], account?: Account): Promise<Pull> =>
          pullBy(client, alias, kind, account);

        test("gets alice's image for alice, each blob once, and again from the cache", async () => {
          const asked = await blobsAskedDuring(setting.larder, alias, async () => {
            assertPulled(await pull('secret', ALICE), images.secret);
            assertPulled(await pull('secret', ALICE), images.secret);
          });
          assert.equal(asked, images.secret.blobs.length);
        });

        test('is refused by the warm cache with a wrong password, and without a login', async () => {
          assertRefused(await pull('secret', GUESSED), images.secret);
          assertRefused(await pull('secret'), images.secret);
        });

        test('gets the shared image for bob from the cache after alice has pulled it', async () => {
          assertPulled(await pull('shared', ALICE), images.shared);
          const asked = await blobsAskedDuring(setting.larder, alias, async () => {
            assertPulled(await pull('shared', BOB), images.shared);
          });
          assert.equal(asked, 0);
        });

        // With Basic every account can read everything.
        if (alias === TOKENS) {
          test("is refused by the warm cache for bob, who has no access to alice's image", async () => {
            assertRefused(await pull('secret', BOB), images.secret);
          });

          test('gets the public image with a login and without, each blob once', async () => {
            const asked = await blobsAskedDuring(setting.larder, alias, async () => {
              assertPulled(await pull('open'), images.open);
              assertPulled(await pull('open', BOB), images.open);
            });
            assert.equal(asked, images.open.blobs.length);
          });
        }
      });
    }
  }

  // Tests run in parallel, because clients that are refused in an outage retry for some seconds.
  describe('once the registries and the token server are stopped', { concurrency: COMMANDS.length }, () => {
    before(async () => {
      for (const alias of ALIASES) await setting.registries[alias].stop();
    });

    for (const alias of ALIASES) {
      for (const [index, client] of COMMANDS.entries()) {
        const { images } = contentOf(index);

        test(`${client.name} still gets from ${alias} the images that alice and bob pulled before`, async () => {
          assertPulled(await pullBy(client, alias, 'secret', ALICE), images.secret);
          assertPulled(await pullBy(client, alias, 'shared', BOB), images.shared);
        });

        test(`${client.name} gets nothing from ${alias} for callers without an earlier proof`, async () => {
          assertNotPulled(await pullBy(client, alias, 'secret', GUESSED), images.secret);
          assertNotPulled(await pullBy(client, alias, 'secret'), images.secret);
          // Bob has a proof for another repository only.
          assertNotPulled(await pullBy(client, alias, 'secret', BOB), images.secret);
        });
      }
    }

    for (const [index, client] of COMMANDS.entries()) {
      test(`${client.name} still gets the public image without a login`, async () => {
        assertPulled(await pullBy(client, TOKENS, 'open'), contentOf(index).images.open);
      });
    }
  });

  function pullBy(
    client: Client,
    alias: Alias,
    kind: keyof Content['images'],
    account?: Account,
  ): Promise<Pull> {
    const { repository } = contentOf(COMMANDS.indexOf(client));
    return tryPull(client, hostOf(setting.larder), `${alias}/${repository(kind)}:v1`, account);
  }
});
