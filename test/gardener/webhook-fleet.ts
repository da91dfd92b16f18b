/** Replicas of a program with webhooks on one clock, around an API server in memory, and a client that trusts what is registered. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { setImmediate as turn } from 'node:timers/promises';
import { pemCertificates } from '../../src/api/secrets/pem-block.ts';
import { openWebhooks } from '../../src/gardener/webhook/open-webhooks.ts';
import type { Webhooks, WebhooksOptions } from '../../src/gardener/webhook/webhooks.ts';
import {
  VALIDATING_WEBHOOK_CONFIGURATIONS,
  type WebhookConfiguration,
} from '../../src/gardener/webhook/webhook-configuration.ts';
import { webhookNames } from '../../src/gardener/webhook/webhook-names.ts';
import type { Webhook } from '../../src/gardener/webhook/webhook.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { silentLogger, type Logger } from '../../src/kit/logger.ts';
import { TaskGroup } from '../../src/kit/task-group.ts';
import { find } from '../../src/kube/objects/find.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { FAST_CERTIFICATES } from './fast-certificates.ts';
import { tempDir, type TempDir } from '../kit/temp.ts';
import { createMemoryKube, type ClientOptions, type MemoryKube } from '../kube/memory-kube.ts';

export const HOOK_HOST = 'hook.test';
export const FLEET_NAMES = webhookNames('registry-cache-admission', undefined);
export const FLEET_NAMESPACE = 'garden';
const NAMESPACES = { ...CONFIG_MAPS, kind: 'Namespace', plural: 'namespaces', namespaced: false };

export const VALIDATOR: Webhook = {
  name: 'registry-cache-validator',
  action: 'validating',
  path: '/webhooks/registry-cache',
  rule: { apiGroups: ['core.gardener.cloud'], apiVersions: ['*'], resources: ['shoots'] },
  objectSelector: { matchLabels: { 'extensions.extensions.gardener.cloud/registry-cache': 'true' } },
  handler: () => Promise.resolve({ allowed: true }),
};

/** Limits of single steps. All other timers are pauses of loops. */
const LIMITS_MS = [1500, 5000];

/** Counts the loops that sleep. */
class LoopClock extends ManualClock {
  loops = 0;

  override after(ms: number, callback: () => void): () => void {
    const weight = LIMITS_MS.includes(ms) ? 0 : 1;
    let left = weight;
    const end = (): void => {
      this.loops -= left;
      left = 0;
    };
    this.loops += weight;
    const cancel = super.after(ms, () => {
      end();
      callback();
    });
    return () => {
      end();
      cancel();
    };
  }
}

export interface Replica {
  readonly name: string;
  readonly webhooks: Webhooks;
  /** Certificates that the replica has changed to. */
  readonly exchanges: number;
  /** Connects, and returns the certificate of the replica. */
  connect(): Promise<X509Certificate>;
  stop(): Promise<void>;
}

export class WebhookFleet implements AsyncDisposable {
  readonly clock = new LoopClock(Math.floor(Date.now() / 1000) * 1000);
  readonly kube: MemoryKube = createMemoryKube(this.clock);
  readonly client = this.kube.client();
  readonly replicas: Replica[] = [];
  readonly directory: TempDir = tempDir();
  #leader:
    | { readonly replica: Replica; readonly stop: AbortController; readonly leading: Promise<void> }
    | undefined;

  async createNamespace(name = FLEET_NAMESPACE): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.client.create(NAMESPACES, namespace, { signal: new AbortController().signal });
  }

  options(name: string): WebhooksOptions {
    return {
      names: FLEET_NAMES,
      address: { host: '127.0.0.1', port: 0 },
      place: { mode: 'url', url: `${HOOK_HOST}:443`, namespace: FLEET_NAMESPACE, servicePort: 0 },
      ownerNamespace: FLEET_NAMESPACE,
      certificateDirectory: join(this.directory.path, name),
    };
  }

  async open(
    name: string,
    { network, options = this.options(name), webhooks = [VALIDATOR] }: OpenOptions = {},
  ): Promise<Replica> {
    const { clock } = this;
    const client = this.kube.client({ manager: name, ...(network !== undefined && { network }) });
    const tasks = new TaskGroup(silentLogger);
    let exchanges = 0;
    const logger: Logger = {
      ...silentLogger,
      info: (message) => void (message === 'serving another certificate' && (exchanges += 1)),
    };
    const deps = {
      registrations: client,
      secrets: client,
      certificates: FAST_CERTIFICATES,
      clock,
      logger,
      tasks,
    };
    const opened = await openWebhooks(deps, options, webhooks, tasks.signal);
    const replica: Replica = {
      name,
      webhooks: opened,
      get exchanges() {
        return exchanges;
      },
      connect: () => servedCertificate(opened.address.port),
      stop: async () => {
        if (this.#leader?.replica === replica) await this.stepDown();
        this.replicas.splice(this.replicas.indexOf(replica), 1);
        await tasks.close();
        await opened.close();
      },
    };
    this.replicas.push(replica);
    return replica;
  }

  /** Makes `replica` the leader in place of another. */
  async lead(replica: Replica): Promise<void> {
    await this.stepDown();
    const stop = new AbortController();
    this.#leader = { replica, stop, leading: replica.webhooks.lead(stop.signal) };
    await this.settle();
  }

  async stepDown(): Promise<void> {
    this.#leader?.stop.abort(new Error('another leads'));
    await this.#leader?.leading;
    this.#leader = undefined;
  }

  /** Lets `ms` pass, and everything end that is due by then. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  /** Waits until every loop sleeps: one for each replica, and one for the leader. */
  async settle(): Promise<void> {
    const loops = this.replicas.length + (this.#leader === undefined ? 0 : 1);
    while (this.clock.loops !== loops) await turn();
  }

  /** CA bundle of the registration. Undefined if there is no registration. */
  async registeredBundle(): Promise<string | undefined> {
    const configuration = await this.configuration();
    return (
      configuration &&
      Buffer.from(configuration.webhooks?.[0]?.clientConfig.caBundle ?? '', 'base64').toString('utf8')
    );
  }

  configuration(): Promise<WebhookConfiguration | undefined> {
    const key = { name: FLEET_NAMES.configuration };
    return find(this.client, VALIDATING_WEBHOOK_CONFIGURATIONS, key, new AbortController().signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.replicas[0] !== undefined) await this.replicas[0].stop();
    this.directory[Symbol.dispose]();
  }
}

export interface OpenOptions {
  readonly network?: ClientOptions['network'];
  readonly options?: WebhooksOptions;
  readonly webhooks?: readonly Webhook[];
}

/** Times between which a client that trusts `bundle` alone accepts the certificate. */
export function trustedTimes(
  certificate: X509Certificate,
  bundle: string,
): readonly { readonly from: number; readonly until: number }[] {
  if (certificate.checkHost(HOOK_HOST) === undefined) return [];
  return pemCertificates(bundle)
    .map((pem) => new X509Certificate(pem))
    .filter((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
    .map((authority) => ({
      from: Math.max(certificate.validFromDate.getTime(), authority.validFromDate.getTime()),
      until: Math.min(certificate.validToDate.getTime(), authority.validToDate.getTime()),
    }));
}

/** Waits for `work` while the clock moves on by `stepMs` again and again. */
export async function whileTimePasses<T>(clock: ManualClock, work: Promise<T>, stepMs: number): Promise<T> {
  const over = new AbortController();
  const result = work.finally(() => over.abort());
  void result.catch(() => {});
  for (;;) {
    await turn();
    if (over.signal.aborted) return result;
    clock.advance(stepMs);
  }
}

async function servedCertificate(port: number): Promise<X509Certificate> {
  const socket = connect({ host: '127.0.0.1', port, servername: HOOK_HOST, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  if (certificate === undefined) throw new Error('the server has no certificate');
  return certificate;
}
