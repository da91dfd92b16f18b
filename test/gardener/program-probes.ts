import { silentLogger, type LogFields, type Logger } from '../../src/kit/logger.ts';
import type { Address } from '../../src/kit/listen.ts';
import { get } from '../kit/client.ts';
import { freePorts } from '../parts/free-port.ts';

/** Addresses at which a program in the test's process is watched, and the events that it has logged. */
export interface ProgramProbes {
  readonly healthAddress: Address;
  readonly metricsAddress: Address;
  readonly logger: Logger;
  readonly logged: string[];
  /** Status of a GET. Undefined if nothing listens. */
  readonly status: (path: string, listener?: 'health' | 'metrics') => Promise<number | undefined>;
}

export async function createProgramProbes(): Promise<ProgramProbes> {
  const [health = 0, metrics = 0] = await freePorts(2);
  const logged: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (_message: string, { event }: LogFields = {}) => {
      if (typeof event === 'string') logged.push(event);
    },
    with: () => logger,
  };
  return {
    healthAddress: { host: '127.0.0.1', port: health },
    metricsAddress: { host: '127.0.0.1', port: metrics },
    logger,
    logged,
    status: (path, listener = 'health') =>
      get(`http://127.0.0.1:${listener === 'health' ? health : metrics}${path}`).then(
        ({ status }) => status,
        () => undefined,
      ),
  };
}
