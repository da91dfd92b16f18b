import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../../kit/listen.ts';
import type { LogOptions } from '../../kit/logger.ts';
import { boolFlag, flagError, intFlag, stringFlag, type GoValues } from '../go-flags/go-flag.ts';
import { parseBindAddress } from './bind-address.ts';

export interface ManagerDefaults {
  /** Name of the leader lease. */
  readonly leaderElectionId: string;
  /** Environment variable with the default namespace of the lease. */
  readonly leaderElectionVariable?: string;
  readonly certDir: string;
}

/** Makes the flags of a program with leader election and listeners, as in Gardener's extension library (v1.147.1, `ManagerOptions`). */
export function managerFlags(defaults: ManagerDefaults) {
  return {
    leaderElection: boolFlag('leader-election', {
      standard: true,
      usage: 'Of several replicas, only the one with the lease acts. All of them answer webhooks.',
    }),
    leaderElectionId: stringFlag('leader-election-id', {
      standard: defaults.leaderElectionId,
      usage: 'Name of the lease.',
    }),
    leaderElectionNamespace: stringFlag('leader-election-namespace', {
      standard: '',
      usage: "Namespace of the lease. Default: the pod's own.",
      ...(defaults.leaderElectionVariable !== undefined && { variable: defaults.leaderElectionVariable }),
    }),
    serverHost: stringFlag('webhook-config-server-host', {
      standard: '',
      usage: 'Address on which the webhook server listens. Default: every address.',
    }),
    serverPort: intFlag('webhook-config-server-port', {
      standard: 443,
      usage: 'Port on which the webhook server listens.',
    }),
    certDir: stringFlag('webhook-config-cert-dir', {
      standard: defaults.certDir,
      usage: 'Directory for certificate and key of the webhook server.',
    }),
    metricsAddress: stringFlag('metrics-bind-address', {
      standard: ':8080',
      usage: 'Listener for /metrics. 0 turns it off.',
    }),
    healthAddress: stringFlag('health-bind-address', {
      standard: ':8081',
      usage: 'Listener for /healthz and /readyz. 0 turns it off.',
    }),
    logLevel: stringFlag('log-level', {
      standard: 'info',
      usage: 'Least severe level to log: info, debug or error.',
    }),
    logFormat: stringFlag('log-format', { standard: 'json', usage: 'Format of log lines: json or text.' }),
  };
}

export interface ManagerSettings {
  readonly log: LogOptions;
  /** Undefined: this process acts without a lease. */
  readonly lease: { readonly name: string; readonly namespace: string | undefined } | undefined;
  readonly server: Address;
  readonly certDir: string;
  /** Undefined: no such listener. */
  readonly metrics: Address | undefined;
  readonly health: Address | undefined;
}

/** Checks the values. An empty address and a port of 0 mean what they mean to controller-runtime v0.24. Throws `USAGE` with Go's text. */
export function managerSettings(values: GoValues<ReturnType<typeof managerFlags>>): ManagerSettings {
  return {
    log: logOptions(values),
    lease: values.leaderElection
      ? { name: values.leaderElectionId, namespace: values.leaderElectionNamespace || undefined }
      : undefined,
    server: { host: values.serverHost || '::', port: serverPort(values) },
    certDir: values.certDir || join(tmpdir(), 'k8s-webhook-server', 'serving-certs'),
    metrics: parseBindAddress(values.metricsAddress || ':8080', 'metrics-bind-address'),
    health: parseBindAddress(values.healthAddress || '0', 'health-bind-address'),
  };
}

function serverPort({
  serverPort: port,
}: Pick<GoValues<ReturnType<typeof managerFlags>>, 'serverPort'>): number {
  if (port > 65_535) throw flagError(`--webhook-config-server-port: address :${port}: invalid port`);
  return port > 0 ? port : 9443;
}

/** Reads the flags of the log. Throws `USAGE` with Go's text. */
export function logOptions({
  logLevel: level,
  logFormat: format,
}: Pick<GoValues<ReturnType<typeof managerFlags>>, 'logLevel' | 'logFormat'>): LogOptions {
  if (level !== 'info' && level !== 'debug' && level !== 'error')
    throw flagError(`invalid --log-level: ${level}`);
  if (format !== 'json' && format !== 'text') throw flagError(`invalid --log-format: ${format}`);
  return { level, format };
}
