import { waitFor } from '../kit/wait.ts';
import type { Kubectl } from './kubectl.ts';

/** A pod of one container, which runs its image's own program. */
export interface PodOptions {
  readonly name: string;
  readonly image: string;
  /** Name of the Secret that it pulls with; none unless told. */
  readonly pullSecret?: string | undefined;
  readonly namespace?: string;
}

/** How a pod has ended. */
export interface PodRun {
  readonly exitCode: number;
  /** Milliseconds that pulling its image took, by the kubelet's own account; undefined when the image was there. */
  readonly pullMs: number | undefined;
  /**
   * How often pulling it failed before. A kubelet that does not get hold of an imagePullSecret in a second pulls without it first: what fails
   * then does not count.
   */
  readonly failedPulls: number;
}

/** What a kubelet does is done once the node has looked, pulled and started: seconds, on a busy machine. */
const POD_LIMIT_MS = 40_000;

/** Creates the pod, waits until it has ended, and removes it. */
export async function runPod(kubectl: Kubectl, pod: PodOptions): Promise<PodRun> {
  await kubectl.apply(podOf(pod));
  const exitCode = await exitCodeOf(kubectl, pod);
  const messages = await eventsOfStart(kubectl, pod);
  await removePod(kubectl, pod);
  const pulled = messages.map((message) => PULLED.exec(message)?.[1]);
  const duration = pulled.find((text) => text !== undefined);
  return {
    exitCode,
    pullMs: duration === undefined ? undefined : parseGoDuration(duration),
    failedPulls: messages.some((message) => WITHOUT_SECRET.test(message))
      ? 0
      : messages.filter((message) => message.startsWith(PULL_FAILED)).length,
  };
}

/**
 * Creates the pod, waits for the message that its image could not be pulled for what `expected` says, and removes it. Others may come
 * before: a kubelet that does not get hold of an imagePullSecret in a second pulls without it, and with it the next time. Throws an
 * `Error` with all of them when it does not come.
 */
export async function pullRefusal(kubectl: Kubectl, pod: PodOptions, expected: RegExp): Promise<string> {
  await kubectl.apply(podOf(pod));
  let told: readonly string[] = [];
  const refused = async () => {
    told = (await eventsOf(kubectl, pod)).filter((message) => message.startsWith(PULL_FAILED));
    return told.find((message) => expected.test(message));
  };
  const what = `an event of pod ${pod.name} that its image could not be pulled: ${String(expected)}`;
  try {
    return await waitFor(refused, { limitMs: POD_LIMIT_MS, everyMs: 200, what });
  } catch (error) {
    throw new Error(`${what}; there are: ${told.join('; ')}`, { cause: error });
  } finally {
    await removePod(kubectl, pod);
  }
}

/** The Secret of a login at a registry, as pods name it in their `imagePullSecrets`. */
export function pullSecretOf(name: string, registryName: string, account: object): object {
  const config = { auths: { [registryName]: account } };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'default' },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': JSON.stringify(config) },
  };
}

const PULL_FAILED = 'Failed to pull image';
const PULLED = /^Successfully pulled image .* in (\S+) \(/;
/** `FailedToRetrieveImagePullSecret` of kubelet. */
const WITHOUT_SECRET = /^Unable to retrieve some image pull secrets/;
const THERE_ALREADY = /^Container image .* already present/;

/** All that came before its container ran: a kubelet sends events beside the rest of its work. */
function eventsOfStart(kubectl: Kubectl, pod: PodOptions): Promise<readonly string[]> {
  const complete = async () => {
    const messages = await eventsOf(kubectl, pod);
    return messages.some((message) => PULLED.test(message) || THERE_ALREADY.test(message)) && messages;
  };
  const what = `an event of pod ${pod.name} that its image is there`;
  return waitFor(complete, { limitMs: POD_LIMIT_MS, everyMs: 200, what });
}

interface Pod {
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly state: { readonly terminated?: { readonly exitCode: number } };
    }[];
  };
}

function podOf({ name, image, pullSecret, namespace = 'default' }: PodOptions): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'app', image, imagePullPolicy: 'IfNotPresent' }],
      ...(pullSecret !== undefined && { imagePullSecrets: [{ name: pullSecret }] }),
    },
  };
}

async function exitCodeOf(kubectl: Kubectl, { name, namespace = 'default' }: PodOptions): Promise<number> {
  const ended = async () => {
    const { status } = await kubectl.json<Pod>('pod', name, `--namespace=${namespace}`);
    return status.containerStatuses?.[0]?.state.terminated;
  };
  const what = `the end of pod ${name}`;
  const { exitCode } = await waitFor(ended, { limitMs: POD_LIMIT_MS, everyMs: 200, what });
  return exitCode;
}

/** Messages of the events of a pod, oldest first. A pod of the same name that came before has its own. */
async function eventsOf(
  kubectl: Kubectl,
  { name, namespace = 'default' }: PodOptions,
): Promise<readonly string[]> {
  const inNamespace = `--namespace=${namespace}`;
  const { metadata } = await kubectl.json<{ metadata: { uid: string } }>('pod', name, inNamespace);
  const { items } = await kubectl.json<{ items: readonly { message: string }[] }>(
    'events',
    inNamespace,
    `--field-selector=involvedObject.uid=${metadata.uid}`,
  );
  return items.map(({ message }) => message);
}

async function removePod(kubectl: Kubectl, { name, namespace = 'default' }: PodOptions): Promise<void> {
  await kubectl('delete', 'pod', name, `--namespace=${namespace}`, '--grace-period=0', '--force');
}

/** Milliseconds of a duration as Go prints it, such as `1m2.5s` or `345ms`. */
function parseGoDuration(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, µs: 0.001 };
  return [...text.matchAll(/([\d.]+)(h|ms|µs|m|s)/g)].reduce(
    (sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? 0),
    0,
  );
}
