import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ExtensionSettings } from '../gardener/extension-program.ts';
import { CACHE_CONTROLLER, EXTENSION_WEBHOOKS, type ControllerName } from '../gardener/names.ts';
import { systemClock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import { createLogger, type Logger } from '../kit/logger.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { completed } from './gardener/completed.ts';
import { checkComponentConfig } from './gardener/component-config.ts';
import { CONTROLLER_FLAGS, enabledControllers, heartbeatSeconds } from './gardener/controller-flags.ts';
import { logOptions, managerFlags, managerSettings, type ManagerSettings } from './gardener/manager-flags.ts';
import { podNamespace } from './gardener/pod-namespace.ts';
import { REST_FLAGS, restConnection } from './gardener/rest-flags.ts';
import { runProgram } from './gardener/run-program.ts';
import { LIST_FLAG, listShootsWithLarderFields } from './gardener/list-larder-fields.ts';
import { IMAGE_FLAG, shootImage } from './gardener/shoot-image.ts';
import { enabledWebhooks, WEBHOOK_FLAGS, webhooksOptions } from './gardener/webhook-flags.ts';
import { goCommand } from './go-flags/go-command.ts';
import { boolFlag, listFlag, stringFlag, type GoValues } from './go-flags/go-flag.ts';

const FLAGS = {
  config: stringFlag('config', {
    standard: '',
    usage: 'File with a Configuration, which has no settings. Required, as in the Go extension.',
  }),
  ...IMAGE_FLAG,
  handBack: boolFlag('hand-back', {
    standard: false,
    usage:
      'Shoots get caches that give their content back to the Distribution registry, before the Go extension takes over.',
  }),
  ...REST_FLAGS,
  ...managerFlags({
    leaderElectionId: 'extension-registry-cache-leader-election',
    leaderElectionVariable: 'LEADER_ELECTION_NAMESPACE',
    certDir: '/tmp/gardener-extensions-cert',
  }),
  ...CONTROLLER_FLAGS,
  ...WEBHOOK_FLAGS,
  gardenerVersion: stringFlag('gardener-version', {
    standard: '',
    usage: 'Accepted and without effect, as in the Go extension.',
  }),
  selfHosted: boolFlag('self-hosted-shoot-cluster', {
    standard: false,
    usage: 'Accepted and without effect, as in the Go extension.',
  }),
  classes: listFlag('extension-classes', {
    standard: [],
    usage: 'Accepted and without effect, as in the Go extension.',
  }),
  ...LIST_FLAG,
};

type Values = GoValues<typeof FLAGS>;

/** `larder extension`: runs caches in the shoots of a Gardener seed. Exits with 0 after SIGINT or SIGTERM, with 1 after any failure. */
export function extensionCommand(io: CommandIo): CommandDefinition {
  return goCommand(io, {
    name: 'extension',
    description: 'Run the registry caches of shoots, in a seed of a Gardener landscape.',
    flags: FLAGS,
    run: extension,
  });
}

function extension(values: Values, io: CommandIo): Promise<number> {
  if (values.listLarderFields) return listShootsWithLarderFields(values, io);
  return runProgram(io, async (signal) => {
    const { settings, connection, logger } = await complete(values, io, signal);
    const { startExtension } = await import('../gardener/extension-program.ts');
    const deps = { connection, clock: systemClock, logger, random: Math.random };
    return { running: await startExtension(deps, settings), logger };
  });
}

interface Completed {
  readonly settings: ExtensionSettings;
  readonly connection: KubeConnection;
  readonly logger: Logger;
}

/** Turns flags and environment into settings. Fails with the texts of the Go program. */
async function complete(values: Values, io: CommandIo, signal: AbortSignal): Promise<Completed> {
  const { connection, logger, manager, controllers, types } = await completed(async () => {
    const logger = createLogger(logOptions(values), (line) => io.err(line));
    const connection = await restConnection(values, io, { clock: systemClock, logger, signal });
    const manager = managerSettings(values);
    checkComponentConfig(values.config);
    const controllers = enabledControllers(values);
    return {
      connection,
      logger,
      manager,
      controllers,
      types: enabledWebhooks(values, EXTENSION_WEBHOOKS),
    };
  });
  const renewSeconds = heartbeatSeconds(values);
  return {
    connection,
    logger,
    settings: {
      controllers,
      webhooks:
        types.length === 0 ? undefined : { types, ...webhooksOptions(values, manager, 'registry-cache', io) },
      image: await imageOf(values, io, controllers),
      shootAddress: io.environment['GARDENER_SHOOT_CLIENT'] === 'external' ? 'external' : 'internal',
      concurrency: Math.max(1, values.maxConcurrentReconciles),
      ignoreOperationAnnotation: values.ignoreOperationAnnotation,
      handBack: values.handBack,
      lease: await leaseOf(manager),
      heartbeat: await heartbeatOf(values.heartbeatNamespace, renewSeconds, controllers),
      identity: `${hostname()}_${randomUUID()}`,
      metricsAddress: manager.metrics,
      healthAddress: manager.health,
      version: io.version,
    },
  };
}

/** A wrong image is an error of the start, and not of every shoot. */
async function imageOf(
  values: Values,
  io: CommandIo,
  controllers: readonly ControllerName[],
): Promise<() => string> {
  const image = controllers.includes(CACHE_CONTROLLER) ? await shootImage(values, io) : '';
  return () => image;
}

async function leaseOf({ lease }: ManagerSettings): Promise<ExtensionSettings['lease']> {
  if (lease === undefined) return undefined;
  const namespace = lease.namespace ?? (await podNamespace());
  if (namespace !== undefined) return { name: lease.name, namespace };
  throw new LarderError(
    'USAGE',
    'could not instantiate controller-manager: unable to find leader election namespace: not running in-cluster, ' +
      'please specify LeaderElectionNamespace',
  );
}

async function heartbeatOf(
  given: string,
  renewSeconds: number,
  controllers: readonly ControllerName[],
): Promise<ExtensionSettings['heartbeat']> {
  if (!controllers.includes('heartbeat')) return undefined;
  const namespace = given || (await podNamespace());
  if (namespace !== undefined) return { namespace, renewSeconds };
  throw new LarderError('USAGE', '--heartbeat-namespace is required outside of a pod');
}
