import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { distinctImage } from '../parts/runnable-image.ts';
import { waitFor } from '../kit/index.ts';

import { prepare } from './prepare.ts';
import { CLOSED, OPEN, type DeclareScenario } from './setting.ts';

const CONFIG = 'mistaken';
const YOUNGER = 'younger';
const SECRET = 'login';
/** Name that no name server knows. */
const NOWHERE = 'nowhere.example.com';

const ROBOT = { username: 'machine', password: 'of-the-machine' };
const REPOSITORY = 'team/of-the-machine';

/** Mistakes of users, and the conditions and events that report them. */
export const conditions: DeclareScenario = (the) => {
  describe('a RegistryConfig that does not work as meant', () => {
    const image = distinctImage(5);

    prepare(the, async () => {
      const { release, closed } = the();
      await release.install();
      closed.users.set(ROBOT.username, ROBOT.password);
      closed.push(REPOSITORY, image, 'v1');
      closed.setAccess(REPOSITORY, { readers: [ROBOT.username] });
    });
    afterEach(async () => {
      await the().configs.remove(CONFIG, YOUNGER);
      await the().cluster.kubectl('delete', 'secret', SECRET, '--ignore-not-found');
    });

    const applySecret = (login: object) =>
      the().cluster.kubectl.apply({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: SECRET, namespace: 'default' },
        stringData: login,
      });
    /** Sends requests to the relay until the answer has this status. */
    const answered = (upstream: string, status: number) => {
      const path = `/v2/${REPOSITORY}/manifests/${image.digest}`;
      const asked = async () => (await the().release.askRelay(upstream, path)) === status;
      return waitFor(asked, { limitMs: 60_000, everyMs: 300, what: `${status} from ${upstream}` });
    };

    test('names a missing Secret, and uses it once it exists', async () => {
      const { configs } = the();
      await configs.apply(CONFIG, { upstream: CLOSED, secretReferenceName: SECRET });
      const { caches } = await configs.until(CONFIG, 'CredentialMissing');
      assert.equal(caches?.[0]?.credentialState, 'Missing');
      const { type, message } = await configs.event(CONFIG, 'CredentialMissing');
      assert.equal(type, 'Warning');
      assert.match(message, new RegExp(SECRET));
      await applySecret(ROBOT);
      await configs.until(CONFIG, 'Healthy', 'Serving');
      await answered(CLOSED, 200);
    });

    test('reports that the registry refuses a credential, and the end of that', async () => {
      const { configs } = the();
      await applySecret({ ...ROBOT, password: 'mistyped' });
      await configs.apply(CONFIG, { upstream: CLOSED, secretReferenceName: SECRET });
      await configs.until(CONFIG, 'Serving', 'Settled');
      // The cache learns of the refusal only by a request to the registry.
      await answered(CLOSED, 502);
      const { caches } = await configs.until(CONFIG, 'CredentialRejected');
      assert.equal(caches?.[0]?.credentialState, 'Rejected');
      assert.equal((await configs.event(CONFIG, 'CredentialRejected')).type, 'Warning');
      await applySecret(ROBOT);
      await answered(CLOSED, 200);
      await configs.until(CONFIG, 'Healthy', 'Serving');
    });

    test('reports that a registry cannot be reached', async () => {
      const { configs } = the();
      await configs.apply(CONFIG, { upstream: NOWHERE });
      await configs.until(CONFIG, 'Serving', 'Settled');
      const asked = async () => {
        await the().release.askRelay(NOWHERE, '/v2/team/app/manifests/v1');
        return configs.has(CONFIG, 'UpstreamFailing');
      };
      const { caches } = await waitFor(asked, { limitMs: 120_000, everyMs: 1000, what: 'UpstreamFailing' });
      assert.match(caches?.[0]?.lastUpstreamError?.message ?? '', new RegExp(NOWHERE));
      assert.equal((await configs.event(CONFIG, 'UpstreamFailing')).type, 'Warning');
    });

    test('that names the upstream of an older object waits for its deletion, and then takes over', async () => {
      const { configs, cluster } = the();
      await configs.apply(CONFIG, { upstream: OPEN });
      await configs.until(CONFIG, 'Serving');
      // Creation times are whole seconds. For two objects of the same age the name would decide.
      await configs.apply(YOUNGER, { upstream: OPEN });
      const { conditions: found = [] } = await configs.until(YOUNGER, 'UpstreamTaken', 'NothingOwned');
      assert.match(found.find(({ type }) => type === 'Conflict')?.message ?? '', new RegExp(CONFIG));
      assert.equal((await configs.event(YOUNGER, 'UpstreamTaken')).type, 'Warning');
      await configs.until(CONFIG, 'Serving', 'NoConflict');
      await cluster.kubectl('delete', 'registryconfig', CONFIG, '--timeout=120s');
      await configs.until(YOUNGER, 'Serving', 'NoConflict', 'Settled');
    });
  });
};
