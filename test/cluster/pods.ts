import { waitFor } from '../kit/wait.ts';
import type { Kubectl } from './kubectl.ts';

/** Pod with one container that runs the default program of its image. */
export interface PodOptions {
  readonly name: string;
  readonly image: string;
  /** Name of the Secret for pulling the image. Default: none. */
  readonly pullSecret?: string | undefined;
  readonly namespace?: string;
}

/** Result of a pod that has ended. */
export interface PodRun {
  readonly exitCode: number;
  /** Milliseconds for pulling the image, as the kubelet reports them. Undefined if the node had the image. */
  readonly pullMs: number | undefined;
  /**
   * Number of failed pulls before. 0 if the kubelet could not get the imagePullSecret within a second: it then pulls without the Secret
   * first, and that failure does not count.
   */
  readonly failedPulls: number;
}

/** Limit for a kubelet that pulls an image and starts a container, which takes seconds on a busy machine. */
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
 * Creates the pod, waits for the message that its image could not be pulled for the reason `expected`, and removes the pod. Other
 * messages may come first: if a kubelet cannot get an imagePullSecret within a second, it pulls without the Secret, and with it the next
 * time. Throws an `Error` with all messages if the expected one does not come.
 */
export async function pullRefusal(kubectl: Kubectl, pod: PodOptions, expected: RegExp): Promise<string> {
  await kubectl.apply(podOf(pod));
  let messages: readonly string[] = [];
  const refused = async () => {
    messages = (await eventsOf(kubectl, pod)).filter((message) => message.startsWith(PULL_FAILED));
    return messages.find((message) => expected.test(message));
  };
  const what = `an event of pod ${pod.name} that its image could not be pulled: ${String(expected)}`;
  try {
    return await waitFor(refused, { limitMs: POD_LIMIT_MS, everyMs: 200, what });
  } catch (error) {
    throw new Error(`${what}; found: ${messages.join('; ')}`, { cause: error });
  } finally {
    await removePod(kubectl, pod);
  }
}

/** Secret with the login at a registry, for `imagePullSecrets` of pods. */
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
/** Message of the kubelet's event `FailedToRetrieveImagePullSecret`. */
const WITHOUT_SECRET = /^Unable to retrieve some image pull secrets/;
const ALREADY_PRESENT = /^Container image .* already present/;

/** Waits for the events before the start of the container. A kubelet sends events in the background, so they may come late. */
function eventsOfStart(kubectl: Kubectl, pod: PodOptions): Promise<readonly string[]> {
  const complete = async () => {
    const messages = await eventsOf(kubectl, pod);
    return messages.some((message) => PULLED.test(message) || ALREADY_PRESENT.test(message)) && messages;
  };
  const what = `an event of pod ${pod.name} that its image is on the node`;
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

/** Messages of a pod's events, oldest first. Events of an earlier pod of the same name are not among them. */
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

/** Parses a duration as Go prints it, such as `1m2.5s` or `345ms`, into milliseconds. */
function parseGoDuration(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, µs: 0.001 };
  return [...text.matchAll(/([\d.]+)(h|ms|µs|m|s)/g)].reduce(
    (sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? 0),
    0,
  );
}
