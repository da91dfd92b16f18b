import type { Kubectl } from '../../cluster/kubectl.ts';
import type { LabObject } from '../../gardener/lab-objects.ts';
import { refusal } from '../../cluster/api-requests.ts';
import { waitFor } from '../../kit/index.ts';
import { SHOOT_NAMESPACE, type Landscape } from './landscape.ts';

/** Namespace of Larder in the shoot. */
export const LARDER = 'larder-system';
const LIMIT_MS = 120_000;

export interface ExtensionCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface ExtensionObject extends LabObject {
  readonly status?: {
    readonly conditions?: readonly ExtensionCondition[];
    readonly lastOperation?: { readonly state: string; readonly type: string };
  };
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly uid: string };
    readonly spec: { readonly containers: readonly [{ readonly image: string }] };
    readonly status: {
      readonly phase: string;
      readonly containerStatuses?: readonly { readonly ready: boolean; readonly restartCount: number }[];
    };
  }[];
}

/** Objects that the scenarios look at. */
export interface Views {
  /** The Extension of type registry-cache. Undefined if there is none. */
  extension(): Promise<ExtensionObject | undefined>;
  /** Waits for a reason of the condition `RegistryConfigs`, which is written once a minute. */
  condition(reason: string): Promise<ExtensionCondition>;
  /** Waits until operator, node agent and caches are ready, and the first two run in this image. Default: in any. */
  running(image?: string): Promise<void>;
  /** Name, uid and restarts of all pods of Larder in the shoot, sorted. */
  pods(): Promise<string[]>;
  /** Kind, name and uid of the objects of the owner and of their caches, sorted. */
  uids(): Promise<string[]>;
}

export function createViews({ seed, cluster }: Landscape): Views {
  const { kubectl } = cluster;
  const path = `/apis/extensions.gardener.cloud/v1alpha1/namespaces/${SHOOT_NAMESPACE}/extensions/registry-cache`;
  const extension: Views['extension'] = async () => {
    const found = await seed.seed.requests('GET', path);
    return refusal(found) === undefined ? (found as ExtensionObject) : undefined;
  };
  return {
    extension,
    condition(reason) {
      const found = async () =>
        (await extension())?.status?.conditions?.find(
          (one) => one.type === 'RegistryConfigs' && one.reason === reason,
        );
      return waitFor(found, { limitMs: LIMIT_MS, everyMs: 1_000, what: `the reason ${reason}` }).catch(
        async (cause: unknown) => {
          throw new Error(JSON.stringify((await extension())?.status), { cause });
        },
      );
    },
    async running(image) {
      const isReady = async () => {
        const { items } = await podsOf(kubectl);
        const programs = items.filter(({ metadata: { name } }) => /^larder-(operator|node-agent)/.test(name));
        return (
          programs.length === 2 &&
          programs.every(({ spec }) => [undefined, spec.containers[0].image].includes(image)) &&
          items.every(({ status }) => status.containerStatuses?.every(({ ready }) => ready))
        );
      };
      await waitFor(isReady, { limitMs: LIMIT_MS, everyMs: 500, what: 'all of Larder' });
    },
    async pods() {
      const { items } = await podsOf(kubectl);
      return items
        .map(
          ({ metadata, status }) =>
            `${metadata.name} ${metadata.uid} ${status.containerStatuses?.[0]?.restartCount ?? 0}`,
        )
        .toSorted();
    },
    async uids() {
      const line = '{range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{"\\n"}{end}';
      const [objects, caches] = await Promise.all([
        kubectl('get', 'registryconfigs', '--all-namespaces', `--output=jsonpath=${line}`),
        kubectl(
          'get',
          'statefulsets,services,persistentvolumeclaims',
          `--namespace=${LARDER}`,
          `--output=jsonpath=${line}`,
        ),
      ]);
      return `${objects}${caches}`
        .split('\n')
        .filter((one) => one !== '')
        .toSorted();
    },
  };
}

function podsOf(kubectl: Kubectl): Promise<PodList> {
  return kubectl.json<PodList>('pods', `--namespace=${LARDER}`);
}
