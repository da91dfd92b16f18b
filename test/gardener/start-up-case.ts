import { existsSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '../kit/wait.ts';
import { certDirOf, type AdmissionLab } from './admission-lab.ts';
import { countCertificates, describedSecrets, type LabSecret } from './described-secrets.ts';
import type { LabCluster } from './lab-cluster.ts';
import { startAdmission, type FlagChanges } from './lab-program.ts';

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

/** Starts the admission as a recording did, and gives what came of it in the form of the recording. */
export async function runStartUpCase(
  lab: AdmissionLab,
  input: StartUpCase,
): Promise<Record<string, unknown>> {
  await clear(lab);
  const inLab = (text: string): string =>
    text.replace('$WORK/conf/admission-garden.kubeconfig', lab.kubeconfig).replace('$WORK', lab.directory);
  const flags = Object.entries(input.flags ?? {}).map(([name, value]) => [
    name,
    value === null ? null : inLab(String(value)),
  ]);
  const environment = Object.entries(input.env ?? {}).map(([name, value]) => [name, inLab(value)]);
  await using program = startAdmission(
    lab,
    Object.fromEntries(flags) as FlagChanges,
    Object.fromEntries(environment) as Record<string, string>,
  );
  const isReady = await waitFor(async () => program.exitCode() !== null || (await program.isReady()), {
    limitMs: READY_LIMIT_MS,
    everyMs: 50,
  });
  if (program.exitCode() !== null)
    return { started: false, exitCode: program.exitCode(), error: program.error() };
  await Promise.race([settled(lab, input), program.ended]);
  const answers: Record<string, number> = {};
  for (const path of input.get ?? []) answers[path] = await program.status(path);
  const outcome = {
    started: isReady,
    webhookConfigurations: (await list(lab.garden, CONFIGURATIONS)).map(describedConfiguration),
    leases: Object.fromEntries((await list(lab.runtime, LEASES)).map(({ metadata }) => [metadata.name, {}])),
    secrets: describedSecrets((await list(lab.runtime, SECRETS)) as LabSecret[]),
    certDir: existsSync(certDirOf(lab)) ? readdirSync(certDirOf(lab)).sort() : [],
    ...(input.get !== undefined && { get: answers }),
  };
  if (program.exitCode() !== null)
    return { ...outcome, exitedLater: program.exitCode(), error: program.error() };
  return { ...outcome, exitAfterSigterm: await program.stop() };
}

async function settled(lab: AdmissionLab, { settle }: StartUpCase): Promise<unknown> {
  if (settle !== undefined) return pause(settle * 1000);
  return waitFor(() => registeredBundle(lab), { everyMs: 50, what: 'the registration' });
}

export const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
export const SECRETS = '/api/v1/namespaces/garden/secrets';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/extension-registry-cache/leases';

interface Configuration {
  readonly metadata: {
    readonly name: string;
    readonly labels?: object;
    readonly ownerReferences?: readonly object[];
  };
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

/** Lists objects in the order of their names. */
export async function list({ requests }: LabCluster, path: string): Promise<Configuration[]> {
  return ((await requests('GET', path)) as { readonly items: Configuration[] }).items;
}

/** CA bundle of the registered webhooks, PEM. Empty if nothing is registered. */
export async function registeredBundle({ garden }: AdmissionLab): Promise<string> {
  const [configuration] = await list(garden, CONFIGURATIONS);
  const [webhook] = configuration?.webhooks ?? [];
  return Buffer.from(webhook?.clientConfig.caBundle ?? '', 'base64').toString('utf8');
}

/** Removes what an earlier program has left. */
export async function clear(lab: AdmissionLab): Promise<void> {
  for (const [cluster, path] of [
    [lab.garden, CONFIGURATIONS],
    [lab.runtime, SECRETS],
    [lab.runtime, LEASES],
  ] as const)
    for (const { metadata } of await list(cluster, path))
      await cluster.requests('DELETE', `${path}/${metadata.name}`);
  rmSync(certDirOf(lab), { recursive: true, force: true });
}

function describedConfiguration({ metadata, webhooks = [] }: Configuration): object {
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
