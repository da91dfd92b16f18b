import { startCluster, type Cluster } from '../cluster/start-cluster.ts';
import type { Volumes } from '../cluster/volumes.ts';
import { createTestPki, startUpstream, type Upstream } from '../kit/index.ts';
import { AUTHORITY_SECRET, createConfigs, type Configs } from './configs.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { createRelease, type Release } from './release.ts';
import { pushLarderImage } from './larder-image.ts';
import type { SuiteTask } from './suite-task.ts';

/** Registry that requires no login. */
export const OPEN = 'registry.example.com';
/** Registry that requires a login (Basic). */
export const CLOSED = 'private.example.com';

/** Users of {@link CLOSED}. */
export const ALICE = { username: 'alice', password: 'of-alice' };
export const BOB = { username: 'bob', password: 'of-bob' };

/** StorageClasses: the default one, whose claims may grow; one whose claims may not; one with a disk that is soon full. */
export const DISKS = 'disks';
export const FIXED = 'fixed';
export const TINY = 'tiny';
const TINY_SIZE = '48m';

/** Shared by all scenarios: a cluster, two registries of a company, and Larder, which a scenario installs. */
export interface Setting extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly volumes: Volumes;
  readonly open: Upstream;
  readonly closed: Upstream;
  readonly release: Release;
  /** Image of this checkout. */
  readonly image: string;
  readonly configs: Configs;
  readonly recorder: Recorder;
}

/** Declares the tests of a scenario. The setting exists when they run. */
export type DeclareScenario = (the: () => Setting) => void;

/** Starts the setting in 15 s. Of Larder, only its image is in the cluster's registry, also with the tag `next`. */
export async function startSetting(task: SuiteTask): Promise<Setting> {
  await using cleanup = new AsyncDisposableStack();
  const pki = createTestPki([OPEN, CLOSED]);
  const { containerd } = task;
  const cluster = cleanup.use(
    await startCluster({ containerd, names: [OPEN, CLOSED], authority: pki.caPem }),
  );
  const at = (name: string) => ({ place: cluster, address: cluster.addressOf(name), port: 443, tls: pki });
  const open = cleanup.use(await startUpstream(at(OPEN)));
  const users = Object.fromEntries([ALICE, BOB].map(({ username, password }) => [username, password]));
  const closed = cleanup.use(await startUpstream({ ...at(CLOSED), auth: 'basic', users }));
  const volumes = await cluster.createVolumes([
    // A claim gets the smallest volume that suffices, and no volume is used twice.
    { name: DISKS, capacities: [...Array<string>(24).fill('1Gi'), '2Gi'], isDefault: true, expandable: true },
    { name: FIXED, capacities: ['1Gi'] },
    { name: TINY, capacities: ['1Gi'], memory: TINY_SIZE },
  ]);
  await cluster.kubectl.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: AUTHORITY_SECRET, namespace: 'default' },
    stringData: { 'bundle.crt': pki.caPem },
  });
  const image = await pushLarderImage(cluster, task.image, ['next']);
  const resources = cleanup.move();
  return {
    cluster,
    volumes,
    open,
    closed,
    release: createRelease(cluster, image),
    image: `${image.repository}:${image.tag}`,
    configs: createConfigs(cluster.kubectl),
    recorder: createRecorder(task.record),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
