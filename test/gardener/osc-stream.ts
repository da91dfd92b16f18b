import type { ApiRequests } from '../cluster/api-requests.ts';
import { refusal } from '../cluster/api-requests.ts';
import { baseOsConfig } from './play-osc.ts';

/** Updates of OperatingSystemConfigs without a pause, until the stream is stopped. */
export interface OscStream {
  readonly answered: number;
  /** Updates that were denied, failed, or came back without the caches, each with its reason. */
  readonly failures: readonly string[];
  /** Times of the answers in milliseconds. */
  readonly times: readonly number[];
  stop(): Promise<void>;
}

const OSCS = '/apis/extensions.gardener.cloud/v1alpha1';

interface OscObject {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: {
    readonly criConfig?: { readonly containerd?: { readonly registries?: readonly object[] } };
  };
}

/** Starts `writers` that update one OperatingSystemConfig each, in the form that gardenlet writes and with a new annotation every time. */
export function startOscStream(requests: ApiRequests, namespace: string, writers: number): OscStream {
  const path = `${OSCS}/namespaces/${namespace}/operatingsystemconfigs`;
  const stopping = new AbortController();
  const failures: string[] = [];
  const times: number[] = [];

  async function write(name: string): Promise<void> {
    const { metadata, ...rest } = baseOsConfig();
    let version: unknown;
    for (let round = 1; !stopping.signal.aborted; round += 1) {
      const object = {
        ...rest,
        metadata: {
          ...metadata,
          name,
          namespace,
          annotations: { round: String(round) },
          resourceVersion: version,
        },
      };
      const begin = performance.now();
      const answer =
        version === undefined
          ? await requests('POST', path, object)
          : await requests('PUT', `${path}/${name}`, object);
      times.push(performance.now() - begin);
      const problem = refusal(answer);
      const { metadata: stored, spec } = answer as OscObject;
      if (problem !== undefined) failures.push(problem.message);
      else if (spec.criConfig?.containerd?.registries?.length !== 2)
        failures.push('the caches are not there');
      if (problem === undefined) version = stored['resourceVersion'];
    }
  }

  const running = Promise.all(Array.from({ length: writers }, (_, index) => write(`pool-${index}`)));
  return {
    get answered() {
      return times.length;
    },
    failures,
    times,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
