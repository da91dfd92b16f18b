import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, type TestContext } from 'node:test';
import { pullSecretOf, runPod } from '../cluster/pods.ts';
import { pullBaseline, tempDir, waitFor, type PullBaseline } from '../kit/index.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../parts/runnable-image.ts';
import { prepare } from './prepare.ts';
import { NAMESPACE } from './release.ts';
import { ALICE, CLOSED, type Setting } from './setting.ts';
import { startThief, type Thief } from './thief.ts';

/** Node whose relay port a thief tries to get, and a private image that pods of the node run. */
export interface CovetedPort {
  readonly thief: () => Thief;
  /** Runs the image in a pod with its imagePullSecret, on a node without the image. Returns the milliseconds of the pull. */
  pull(): Promise<number>;
  /** Asserts that a pull takes at most a second longer than one without Larder. */
  pullSoon(context: TestContext): Promise<void>;
  /** Gives the node an agent, or removes the agent. */
  wantAgent(wanted: boolean): Promise<void>;
  /** Waits until no `hosts.toml` leads to the relay. */
  turnedAway(): Promise<void>;
  /** Waits until the conditions are good and `hosts.toml` leads to the relay. */
  served(): Promise<void>;
  /** Waits until `count` Pods of the thief run. */
  thieves(count: number): Promise<void>;
  /** Waits until the condition `Degraded` reports the nodes with this message. */
  degraded(message: RegExp): Promise<void>;
  /** Asserts that the thief has received no request that it could read. */
  assertNothingSent(): void;
  /** Copies containerd's host files. `writeBack` restores them, as a crash of the agent might leave them. */
  rememberHosts(): Disposable & { readonly writeBack: () => void; readonly authorities: readonly string[] };
}

const CONFIG = 'coveted';
const REPOSITORY = 'team/coveted';
const IMAGE = `${CLOSED}/${REPOSITORY}:v1`;
const SECRET = 'of-the-coveted';
const LIMIT_MS = 120_000;

/** Declares the hooks of a suite about such a node. */
export function declareCovetedPort(the: () => Setting): CovetedPort {
  let thief: Thief;
  let baseline: PullBaseline;
  const until = (is: () => boolean | Promise<boolean>, what: string): Promise<unknown> =>
    waitFor(is, { limitMs: LIMIT_MS, everyMs: 200, what });
  const hasHosts = (): boolean => existsSync(join(the().cluster.hosts, CLOSED, 'hosts.toml'));

  const coveted: CovetedPort = {
    thief: () => thief,
    async pull() {
      const { cluster } = the();
      await cluster.node.removeImage(IMAGE).catch(() => undefined); // The node may not have the image.
      const pod = { name: 'coveted', image: IMAGE, pullSecret: SECRET };
      const { exitCode, pullMs, failedPulls } = await runPod(cluster.kubectl, pod);
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
      assert.ok(pullMs !== undefined, 'the node had the image');
      return pullMs;
    },
    pullSoon: async (context) => baseline.assertSoon(context, await coveted.pull()),
    async wantAgent(wanted) {
      const nodeSelector = { 'larder.test/without-agent': wanted ? null : 'yes' };
      await the().cluster.kubectl(
        'patch',
        'daemonset',
        'larder-node-agent',
        `--namespace=${NAMESPACE}`,
        '--type=merge',
        `--patch=${JSON.stringify({ spec: { template: { spec: { nodeSelector } } } })}`,
      );
    },
    async turnedAway() {
      await until(() => !hasHosts(), 'hosts.toml to go');
    },
    async served() {
      await the().configs.until(CONFIG, 'Serving', 'Settled', 'Healthy');
      await until(hasHosts, 'hosts.toml');
    },
    async thieves(count) {
      await until(async () => (await thief.running()) === count, `${count} thieves`);
    },
    async degraded(message) {
      let reported = '';
      const isReported = async () => {
        const { conditions = [] } = (await the().configs.has(CONFIG, 'NodesNotConfigured')) ?? {};
        reported = conditions.find(({ type }) => type === 'Degraded')?.message ?? '';
        return message.test(reported);
      };
      await until(isReported, 'the degradation').catch(() => assert.match(reported, message));
    },
    assertNothingSent() {
      // The kubelet's probes of the agent reach the port, and accept any certificate.
      const sent = thief.requests().filter((request) => request !== 'GET /healthz ');
      assert.deepEqual(sent, []);
    },
    rememberHosts() {
      const kept = tempDir();
      const { hosts } = the().cluster;
      cpSync(hosts, kept.path, { recursive: true });
      const names = readdirSync(kept.path);
      return {
        writeBack() {
          for (const name of names) cpSync(join(kept.path, name), join(hosts, name), { recursive: true });
        },
        authorities: names.filter((name) => name.endsWith('.pem')).map((name) => join(hosts, name)),
        [Symbol.dispose]: () => kept[Symbol.dispose](),
      };
    },
  };

  prepare(the, async () => {
    const { cluster, closed, configs, release } = the();
    closed.push(REPOSITORY, distinctImage(9), 'v1');
    closed.setAccess(REPOSITORY, { readers: [ALICE.username] });
    await cluster.kubectl.apply(pullSecretOf(SECRET, CLOSED, ALICE));
    await release.install();
    baseline = await pullBaseline(() => coveted.pull());
    await configs.apply(CONFIG, { upstream: CLOSED });
    thief = await startThief(cluster);
    await coveted.served();
    await coveted.pull();
  });
  afterEach(async () => {
    await thief.giveUp();
    await coveted.wantAgent(true);
    thief.forget();
  });
  after(async () => {
    await thief?.[Symbol.asyncDispose]();
    await the().configs.remove(CONFIG);
    await the().cluster.kubectl('delete', 'secret', SECRET, '--ignore-not-found');
  });
  return coveted;
}
