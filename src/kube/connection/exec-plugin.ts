import { execFile } from 'node:child_process';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { createLifeline } from '../../kit/lifeline.ts';
import type { KubeconfigCluster, KubeconfigExec } from './kubeconfig.ts';
import { parseJson } from '../../kit/json.ts';

const CREDENTIAL = z.object({
  kind: z.literal('ExecCredential'),
  apiVersion: z.string(),
  status: z.object({
    token: z.string().min(1).optional(),
    clientCertificateData: z.string().min(1).optional(),
    clientKeyData: z.string().min(1).optional(),
    expirationTimestamp: z.iso.datetime({ offset: true }).optional(),
  }),
});

/** Credential from a plugin: a token, or a certificate with its key. */
export interface PluginCredential {
  readonly token: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Milliseconds since the epoch. Undefined: valid until refused. */
  readonly expiresAt: number | undefined;
}

export interface PluginSettings {
  readonly exec: KubeconfigExec;
  readonly cluster: KubeconfigCluster;
  /** Directory of the kubeconfig, for relative commands. */
  readonly directory: string;
  /** Environment of this process, which the plugin inherits. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a login plugin (client-go credential plugins, `client.authentication.k8s.io`) without a terminal, for 60 s at most. Throws
 * `KUBE_CONNECTION_INVALID` with the command's name and the problem. Its arguments and its output may be secret and are left out.
 */
export async function runExecPlugin(
  settings: PluginSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<PluginCredential> {
  const { exec } = settings;
  const failure = (problem: string, cause?: unknown): LarderError =>
    new LarderError('KUBE_CONNECTION_INVALID', `login plugin ${exec.command}: ${problem}`, {
      cause,
      ...(exec.installHint !== undefined && { hint: exec.installHint }),
    });
  using life = createLifeline(clock, signal);
  life.limit(LONGEST_RUN_MS, () => failure(`did not end within ${LONGEST_RUN_MS} ms`));
  const output = await run(settings, life.signal).catch((error: unknown) => {
    if (life.signal.aborted) throw life.signal.reason;
    throw failure(exitText(error));
  });
  const credential = CREDENTIAL.safeParse(parseJson(output)).data;
  if (credential?.apiVersion !== exec.apiVersion)
    throw failure(`expected an ExecCredential of ${exec.apiVersion} on its standard output`);
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = credential.status;
  if ((cert === undefined) !== (key === undefined))
    throw failure('expected a certificate together with its key');
  if (token === undefined && cert === undefined) throw failure('expected a token or a certificate');
  return {
    token,
    cert,
    key,
    expiresAt: expirationTimestamp === undefined ? undefined : Date.parse(expirationTimestamp),
  };
}

/** A plugin may ask a server that asks a third one. */
const LONGEST_RUN_MS = 60_000;
const OUTPUT_BYTES = 1024 * 1024;

function run(
  { exec, cluster, directory, environment }: PluginSettings,
  signal: AbortSignal,
): Promise<string> {
  const { command, args, env, apiVersion, provideClusterInfo } = exec;
  const info = {
    apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(provideClusterInfo === true && { cluster: clusterInfo(cluster) }) },
  };
  const own = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  // A command with a slash is a path; any other is looked up in PATH.
  const file = command.includes('/') && !isAbsolute(command) ? resolve(directory, command) : command;
  return new Promise((done, fail) => {
    const child = execFile(
      file,
      args ?? [],
      {
        env: { ...environment, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
        maxBuffer: OUTPUT_BYTES,
        signal,
        killSignal: 'SIGKILL',
      },
      (error, stdout) => (error === null ? done(stdout) : fail(error)),
    );
    child.stdin?.end();
  });
}

function clusterInfo(cluster: KubeconfigCluster): unknown {
  return {
    server: cluster.server,
    'tls-server-name': cluster['tls-server-name'],
    'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'],
    'certificate-authority-data': cluster['certificate-authority-data'],
  };
}

/** Describes the exit. The error's own message would include the arguments and the output. */
function exitText(error: unknown): string {
  const { code, signal } = error as { code?: unknown; signal?: unknown };
  if (typeof code === 'number') return `exit code ${code}`;
  return typeof signal === 'string' ? `ended by ${signal}` : `cannot be run (${String(code)})`;
}
