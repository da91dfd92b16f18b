import { startCluster, type Cluster } from '../../cluster/start-cluster.ts';
import { ADMISSION_ACCOUNTS, prepareGarden, type GardenLab } from '../../gardener/admission-lab.ts';
import { startExtension, startSeed, type SeedLab } from '../../gardener/extension-lab.ts';
import { createLabCluster, startLabCluster, type LabCluster } from '../../gardener/lab-cluster.ts';
import { startAdmission, type LabProgram } from '../../gardener/lab-program.ts';
import type { ShootFlow } from '../../gardener/landscape/shoot-flow.ts';
import { waitFor, type Upstream } from '../../kit/index.ts';
import { tempDir, type Directory } from '../../kit/temp.ts';
import { createConfigs, type Configs } from '../configs.ts';
import { createRelease, type Release } from '../release.ts';
import { createAuditLog, type AuditLog } from './audit.ts';
import type { Machines } from './machines.ts';
import type { Project } from './project.ts';
import { createPuller, type Puller } from './puller.ts';
import { createRegistryPki, IMAGES, REGISTRIES, startRegistries } from './registries.ts';
import type { SuiteTask } from './suite-task.ts';
import { startSurroundings } from './surroundings.ts';
import type { Views } from './views.ts';

/** Namespace of the shoot in the seed. */
export const SHOOT_NAMESPACE = 'shoot--dev--web';

/** Namespace of the owner's objects in the shoot, as in `docs/guide/shoot.md`. */
export const OWNER_NAMESPACE = 'registries';

/** A garden, a seed and a shoot with nodes, by real API servers, and what runs in them: Larder's programs, and the landscape around them. */
export interface Landscape extends AsyncDisposable {
  readonly garden: GardenLab;
  readonly seed: SeedLab;
  /** The shoot. */
  readonly cluster: Cluster;
  readonly shoot: LabCluster;
  readonly open: Upstream;
  readonly closed: Upstream;
  /** Registry of Larder's own image. */
  readonly images: Upstream;
  readonly audits: { readonly garden: AuditLog; readonly seed: AuditLog; readonly shoot: AuditLog };
  readonly flow: ShootFlow;
  readonly machines: Machines;
  readonly puller: Puller;
  /** Pods of Larder in the shoot. It is installed by the extension, and not by this. */
  readonly release: Pick<Release, 'askRelay' | 'metricsOf' | 'pod'>;
  /** Objects of the owner in the shoot. */
  readonly configs: Configs;
  /** Starts `larder extension`, after an end of the one that runs. Its image for the shoot is this one; default: as before. */
  readonly restartExtension: (image?: string) => Promise<void>;
  /** Image of this checkout, also with the tag `next`. */
  readonly image: string;
  /** Certificate of the company's authority, PEM. */
  readonly authority: string;
  readonly own: Directory;
  /** True if the sessions of users are to be written into the docs. */
  readonly records: boolean;
}

/** The landscape, who acts in it, and what is to be seen. */
export interface Stage extends Landscape {
  readonly project: Project;
  readonly views: Views;
}

/** Declares the tests of a scenario. The stage exists when they run. */
export type DeclareScenario = (the: () => Stage) => void;

export interface LandscapeOptions extends Pick<SuiteTask, 'image' | 'record'> {
  readonly containerd: Machines['containerd'];
}

/** The kubelet of the node has the default port. */
const EXTENSION_FLAGS = {
  '--webhook-config-server-port': 10350,
  '--webhook-config-url': '127.0.0.1:10350',
  '--metrics-bind-address': '127.0.0.1:18080',
  '--health-bind-address': '127.0.0.1:18081',
};

/** Starts the landscape in 30 s. The shoot has an API server and no node. Needs root and the parts of the group e2e. */
export async function startLandscape(task: LandscapeOptions): Promise<Landscape> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const pki = createRegistryPki();
  const audits = {
    garden: createAuditLog(own, 'garden'),
    seed: createAuditLog(own, 'seed'),
    shoot: createAuditLog(own, 'shoot'),
  };
  const { containerd } = task;
  const cluster = cleanup.use(
    await startCluster({
      containerd,
      names: REGISTRIES,
      authority: pki.caPem,
      withoutNode: true,
      apiFlags: audits.shoot.flags,
    }),
  );
  const at = { place: cluster, own, cleanup };
  const { runtime, garden: ofShoots } = ADMISSION_ACCOUNTS;
  const [gardenServer, seed] = await Promise.all([
    startLabCluster(at, [runtime, ofShoots], audits.garden.flags),
    startSeed(at, audits.seed.flags),
  ]);
  const garden = await prepareGarden(at, { runtime: gardenServer, garden: gardenServer });
  const shoot = await createLabCluster(at, cluster.api);

  await cluster.createVolumes([
    { name: 'disks', capacities: Array<string>(24).fill('1Gi'), isDefault: true, expandable: true },
  ]);
  const [repository, tag] = ['larder', 'now'];
  const registries = cleanup.use(
    await startRegistries(cluster, pki, { directory: task.image, repository, tags: [tag, 'next'] }),
  );
  const { open, closed, images } = registries;
  const name = { repository: `${IMAGES}/${repository}`, tag };
  const image = `${name.repository}:${tag}`;
  const { flow, machines } = cleanup.use(
    await startSurroundings({ cluster, seed: seed.seed, shoot }, { namespace: SHOOT_NAMESPACE, containerd }),
  );
  const programs = cleanup.use(new AsyncDisposableStack());
  const started = async (program: LabProgram): Promise<LabProgram> => {
    programs.use(program);
    const isReady = async () => program.exitCode() !== null || (await program.isReady());
    await waitFor(isReady, { limitMs: 60_000, everyMs: 200, what: 'a ready program' });
    if (program.exitCode() !== null) throw new Error(`the program has ended: ${program.output()}`);
    return program;
  };
  await started(startAdmission(garden, {}));
  const puller = await createPuller({ cluster, open, closed });
  cleanup.defer(() => puller.rest());
  let extension: LabProgram | undefined;
  let shown = image;
  const resources = cleanup.move();
  return {
    garden,
    seed,
    cluster,
    shoot,
    open,
    closed,
    images,
    audits,
    flow,
    machines,
    puller,
    release: createRelease(cluster, name),
    configs: createConfigs(cluster.kubectl, OWNER_NAMESPACE),
    async restartExtension(next = shown) {
      shown = next;
      await extension?.stop();
      extension = await started(startExtension(seed, EXTENSION_FLAGS, { LARDER_IMAGE: shown }));
    },
    image,
    authority: pki.caPem,
    own,
    records: task.record,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
