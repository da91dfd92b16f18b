import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '../kit/wait.ts';
import { countCertificates, describedSecrets, type LabSecret } from './described-secrets.ts';
import { list, type LabCollection, type LabObject } from './lab-objects.ts';
import type { FlagChanges, LabProgram, WebhookLab } from './lab-program.ts';

/** Directory of the recordings. */
const RECORDED = '/tmp/rc-oracle-adm';

/** Input of a recorded start. `$WORK` in a value is the directory of the lab. */
export interface StartUpCase {
  readonly flags?: FlagChanges;
  readonly env?: Readonly<Record<string, string>>;
  /** Files in the directory of the lab. */
  readonly files?: Readonly<Record<string, string>>;
  /** Ports and paths to ask once it is ready: `8091/healthz`. */
  readonly get?: readonly string[];
  /** Seconds from readiness to the observation. Without them, the observation follows the registration. */
  readonly settle?: number;
}

const READY_LIMIT_MS = 15_000;

/** Starts a program as a recording did, and gives what came of it in the form of the recording. Without a time to wait for, `isSettled` has it. */
export async function runStartUpCase<Lab extends WebhookLab>(
  lab: Lab,
  start: (lab: Lab, changes: FlagChanges, environment: Readonly<Record<string, string>>) => LabProgram,
  { files = {}, flags = {}, env = {}, get, settle }: StartUpCase,
  isSettled = async (): Promise<boolean> => (await registeredBundle(lab)) !== '',
): Promise<Record<string, unknown>> {
  await clear(lab);
  const inLab = (text: string): string =>
    text.replace('$WORK/conf/admission-garden.kubeconfig', lab.kubeconfig).replace('$WORK', lab.directory);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(lab.directory, name)), { recursive: true });
    writeFileSync(join(lab.directory, name), text);
  }
  const changes = Object.entries(flags).map(([name, value]) => [
    name,
    value === null ? null : inLab(String(value)),
  ]);
  const environment = Object.entries(env).map(([name, value]) => [name, inLab(value)]);
  await using program = start(
    lab,
    Object.fromEntries(changes) as FlagChanges,
    Object.fromEntries(environment) as Record<string, string>,
  );
  const isReady = await waitFor(async () => program.exitCode() !== null || (await program.isReady()), {
    limitMs: READY_LIMIT_MS,
    everyMs: 50,
  });
  const error = () => program.error()?.replaceAll(lab.directory, RECORDED);
  if (program.exitCode() !== null) return { started: false, exitCode: program.exitCode(), error: error() };
  const settled =
    settle === undefined
      ? waitFor(isSettled, { everyMs: 50, what: 'the registration' })
      : pause(settle * 1000);
  await Promise.race([settled, program.ended]);
  const answers: Record<string, number> = {};
  for (const path of get ?? []) answers[path] = await program.status(path);
  const leases = (await listed(lab.leases)).map(({ metadata, spec }) => [
    metadata.name,
    spec === undefined ? {} : { ...spec, renewTime: 'TIME' },
  ]);
  const outcome = {
    started: isReady,
    webhookConfigurations: (await listed(lab.configurations)).map(describedConfiguration),
    leases: Object.fromEntries(leases) as object,
    secrets: describedSecrets((await listed(lab.secrets)) as unknown as LabSecret[]),
    certDir: existsSync(lab.certDir) ? readdirSync(lab.certDir).sort() : [],
    ...(get !== undefined && { get: answers }),
  };
  if (program.exitCode() !== null) return { ...outcome, exitedLater: program.exitCode(), error: error() };
  return { ...outcome, exitAfterSigterm: await program.stop() };
}

interface Listed extends LabObject {
  readonly metadata: LabObject['metadata'] & { readonly ownerReferences?: readonly object[] };
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

async function listed({ cluster, path }: LabCollection): Promise<Listed[]> {
  return list(cluster, path);
}

/** CA bundle of the registered webhooks, PEM. Empty if nothing is registered. */
export async function registeredBundle({
  configurations,
}: Pick<WebhookLab, 'configurations'>): Promise<string> {
  const [configuration] = await listed(configurations);
  const [webhook] = configuration?.webhooks ?? [];
  return Buffer.from(webhook?.clientConfig.caBundle ?? '', 'base64').toString('utf8');
}

/** Removes what an earlier program has left. */
export async function clear(lab: WebhookLab): Promise<void> {
  for (const collection of [lab.configurations, lab.secrets, lab.leases])
    for (const { metadata } of await listed(collection))
      await collection.cluster.requests('DELETE', `${collection.path}/${metadata.name}`);
  rmSync(lab.certDir, { recursive: true, force: true });
}

function describedConfiguration({ metadata, webhooks = [] }: Listed): object {
  return {
    name: metadata.name,
    labels: metadata.labels,
    ownerReferences: metadata.ownerReferences?.map((owner) => ({ ...owner, uid: undefined })) ?? null,
    webhooks: webhooks.map((webhook) => {
      const { caBundle } = webhook.clientConfig;
      const count =
        caBundle === undefined ? null : countCertificates(Buffer.from(caBundle, 'base64').toString());
      const described = count === null ? null : `${count} certificate(s)`;
      return { ...webhook, clientConfig: { ...webhook.clientConfig, caBundle: described } };
    }),
  };
}
