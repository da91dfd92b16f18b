import { CONTROLLERS, type ControllerName } from '../../gardener/names.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import { LarderError } from '../../kit/errors.ts';
import {
  boolFlag,
  flagError,
  int32Flag,
  intFlag,
  listFlag,
  stringFlag,
  type GoValues,
} from '../go-flags/go-flag.ts';

/** Flags of controllers, as in Gardener's extension library (v1.147.1, `extensions/pkg/controller/cmd` and `.../heartbeat/cmd`). */
export const CONTROLLER_FLAGS = {
  controllers: listFlag('controllers', {
    standard: CONTROLLERS,
    usage: 'Controllers to run, separated by commas.',
  }),
  disableControllers: listFlag('disable-controllers', {
    standard: [],
    usage: 'Controllers to leave out, separated by commas.',
  }),
  maxConcurrentReconciles: intFlag('max-concurrent-reconciles', {
    standard: 5,
    usage: 'Extensions of type registry-cache handled at once.',
  }),
  ignoreOperationAnnotation: boolFlag('ignore-operation-annotation', {
    standard: false,
    usage: 'Changes of Extensions of type registry-cache are handled at once, not when gardenlet asks.',
  }),
  heartbeatNamespace: stringFlag('heartbeat-namespace', {
    standard: '',
    usage: "Namespace of the heartbeat lease. Default: the pod's own.",
    variable: 'LEADER_ELECTION_NAMESPACE',
  }),
  heartbeatRenewSeconds: int32Flag('heartbeat-renew-interval-seconds', {
    standard: 30,
    usage: 'Time in seconds between two renewals of the heartbeat lease.',
  }),
};

type Values = GoValues<typeof CONTROLLER_FLAGS>;

/** Gives the controllers to run. Throws `USAGE` with Go's text for a name that is none. */
export function enabledControllers({
  controllers,
  disableControllers,
}: Pick<Values, 'controllers' | 'disableControllers'>): readonly ControllerName[] {
  for (const [verb, names] of [
    ['enable', controllers],
    ['disable', disableControllers],
  ] as const)
    for (const name of names)
      if (!CONTROLLERS.some((known) => known === name))
        throw flagError(`cannot ${verb} unknown controller ${goQuote(name)}`);
  return CONTROLLERS.filter((name) => controllers.includes(name) && !disableControllers.includes(name));
}

/** Checks the interval of the heartbeat. Throws `USAGE` with Go's text. */
export function heartbeatSeconds({ heartbeatRenewSeconds }: Pick<Values, 'heartbeatRenewSeconds'>): number {
  if (heartbeatRenewSeconds > 0) return heartbeatRenewSeconds;
  throw new LarderError('USAGE', '--heartbeat-renew-interval-seconds must be greater than 0');
}
