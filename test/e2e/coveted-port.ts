import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, type TestContext } from 'node:test';
import { pullSecretOf, runPod } from '../cluster/pods.ts';
import { onceIn, tempDir, waitFor } from '../kit/index.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../parts/runnable-image.ts';
import { prepare } from './prepare.ts';
import { NAMESPACE } from './release.ts';
import { ALICE, CLOSED, type Setting } from './setting.ts';
import { startThief, type Thief } from './thief.ts';

/** A node whose relay somebody would like to be, and a private image that pods of the node run. */
export interface CovetedPort {
  readonly thief: () => Thief;
  /** A pod runs the image with its imagePullSecret, on a node that has nothing of it. Gives the milliseconds of the pull. */
  pull(): Promise<number>;
  /** The same, within a second of the time without Larder, once in a few times. */
  pullSoon(context: TestContext): Promise<void>;
  /** Whether the node is to have an agent. */
  wantAgent(wanted: boolean): Promise<void>;
  /** Waits until no hosts.toml leads to the relay. */
  turnedAway(): Promise<void>;
  /** Waits until all is well and the node is pointed at the relay. */
  served(): Promise<void>;
  /** Waits until so many Pods of the thief run. */
  thieves(count: number): Promise<void>;
  /** Waits until the object says this of its nodes. */
  degraded(message: RegExp): Promise<void>;
  /** Asserts that nobody has asked the thief for anything that it could read. */
  assertNothingTold(): void;
  /** Remembers what containerd reads; the returned function writes it back, as a crash might have left it. */
  rememberHosts(): Disposable & { readonly writeBack: () => void; readonly authorities: readonly string[] };
}

const CONFIG = 'coveted';
const REPOSITORY = 'team/coveted';
const IMAGE = `${CLOSED}/${REPOSITORY}:v1`;
const SECRET = 'of-the-coveted';
/** How much longer a pull may take than without Larder. */
const LAW_MS = 1000;
const ATTEMPTS = 3;
const LIMIT_MS = 120_000;

/** Declares what comes before, between and after the tests of a suite about such a node. */
export function declareCovetedPort(the: () => Setting): CovetedPort {
  let thief: Thief;
  let baselineMs: number;
  const until = (is: () => boolean | Promise<boolean>, what: string): Promise<unknown> =>
    waitFor(is, { limitMs: LIMIT_MS, everyMs: 200, what });
  const hasHosts = (): boolean => existsSync(join(the().cluster.hosts, CLOSED, 'hosts.toml'));

  const coveted: CovetedPort = {
    thief: () => thief,
    async pull() {
      const { cluster } = the();
      await cluster.node.removeImage(IMAGE).catch(() => undefined); // It may not be there.
      const pod = { name: 'coveted', image: IMAGE, pullSecret: SECRET };
      const { exitCode, pullMs, failedPulls } = await runPod(cluster.kubectl, pod);
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
      assert.ok(pullMs !== undefined, 'the node had the image');
      return pullMs;
    },
    pullSoon: (context) =>
      onceIn(ATTEMPTS, async () => {
        const ms = await coveted.pull();
        const text = `${Math.round(ms)} ms, without Larder ${Math.round(baselineMs)} ms`;
        context.diagnostic(text);
        return ms < baselineMs + LAW_MS ? undefined : text;
      }),
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
      let said = '';
      const isSaid = async () => {
        const { conditions = [] } = (await the().configs.has(CONFIG, 'NodesNotConfigured')) ?? {};
        said = conditions.find(({ type }) => type === 'Degraded')?.message ?? '';
        return message.test(said);
      };
      await until(isSaid, 'the degradation').catch(() => assert.match(said, message));
    },
    assertNothingTold() {
      // The kubelet asks the port whether the agent lives, and believes any certificate.
      const told = thief.requests().filter((request) => request !== 'GET /healthz ');
      assert.deepEqual(told, []);
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
    const direct = [await coveted.pull(), await coveted.pull(), await coveted.pull()];
    baselineMs = direct.sort((a, b) => a - b)[1]!;
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
