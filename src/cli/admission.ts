import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import type { AdmissionSettings } from '../gardener/admission-program.ts';
import { ADMISSION_WEBHOOKS } from '../gardener/names.ts';
import { systemClock } from '../kit/clock.ts';
import { createLogger, type Logger } from '../kit/logger.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { completed } from './gardener/completed.ts';
import { inClusterConnection } from './gardener/in-cluster.ts';
import { logOptions, managerFlags, managerSettings } from './gardener/manager-flags.ts';
import { REST_FLAGS, restConnection } from './gardener/rest-flags.ts';
import { runProgram } from './gardener/run-program.ts';
import { enabledWebhooks, WEBHOOK_FLAGS, webhooksOptions } from './gardener/webhook-flags.ts';
import { goCommand } from './go-flags/go-command.ts';
import type { GoValues } from './go-flags/go-flag.ts';

const NAME = 'registry-cache-admission';

const FLAGS = {
  ...REST_FLAGS,
  kubeconfig: {
    ...REST_FLAGS.kubeconfig,
    usage:
      "Kubeconfig of the garden; GARDEN_KUBECONFIG overrides it. Default: the file in KUBECONFIG, else the pod's service account.",
  },
  ...managerFlags({
    leaderElectionId: `${NAME}-leader-election`,
    certDir: '/tmp/admission-registry-cache-cert',
  }),
  ...WEBHOOK_FLAGS,
};

type Values = GoValues<typeof FLAGS>;

/** `larder admission`: validates Shoots for Gardener. Exits with 0 after SIGINT or SIGTERM, with 1 after any failure. */
export function admissionCommand(io: CommandIo): CommandDefinition {
  return goCommand(io, {
    name: 'admission',
    description: 'Validate the registry caches and mirrors of Shoots, in the garden of a Gardener landscape.',
    flags: FLAGS,
    run: admission,
  });
}

function admission(values: Values, io: CommandIo): Promise<number> {
  return runProgram(io, async (signal) => {
    const { settings, connections, logger } = await complete(values, io, signal);
    const { startAdmission } = await import('../gardener/admission-program.ts');
    const deps = { ...connections, clock: systemClock, logger, random: Math.random };
    return { running: await startAdmission(deps, settings), logger };
  });
}

interface Completed {
  readonly settings: AdmissionSettings;
  readonly connections: { readonly garden: KubeConnection; readonly runtime: KubeConnection };
  readonly logger: Logger;
}

/** Turns flags and environment into settings. Fails with the texts of the Go program. */
async function complete(values: Values, io: CommandIo, signal: AbortSignal): Promise<Completed> {
  const { manager, webhooks, garden, logger } = await completed(async () => {
    const logger = createLogger(logOptions(values), (line) => io.err(line));
    const deps = { clock: systemClock, logger, signal };
    const kubeconfig = io.environment['GARDEN_KUBECONFIG'] || values.kubeconfig;
    const garden = await restConnection({ ...values, kubeconfig }, io, deps);
    return {
      garden,
      logger,
      manager: managerSettings(values),
      webhooks: enabledWebhooks(values, ADMISSION_WEBHOOKS),
    };
  });
  const runtime = await inClusterConnection(io, { clock: systemClock, logger, signal });
  const { lease } = manager;
  return {
    connections: { garden, runtime },
    logger,
    settings: {
      webhooks,
      ...webhooksOptions(values, manager, NAME, io),
      lease: lease && { name: lease.name, namespace: lease.namespace ?? runtime.namespace },
      identity: `${hostname()}_${randomUUID()}`,
      metricsAddress: manager.metrics,
      healthAddress: manager.health,
      version: io.version,
    },
  };
}
