import type { RegistryConfig } from '../api/registry-config/effective.ts';
import type { Clock } from '../kit/clock.ts';
import { isLarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { CacheMetrics } from './metrics.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import { watchFiles } from '../kit/watch-files.ts';
import type { ActiveConfig } from './active-config.ts';
import { loadConfig } from './config-file.ts';
import { warnOfConfig } from './config-warnings.ts';
import { declareUpstreams } from './declared-series.ts';

export interface WatchConfigDeps {
  readonly tasks: TaskGroup;
  readonly metrics: CacheMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Applies the configuration file when it changes, without dropping a request. One with problems is refused, the old one stays in force, and
 * log and metrics say so. `asRead` is its fingerprint from before it was read for the first time.
 */
export function watchConfig(
  file: string,
  asRead: string,
  active: ActiveConfig,
  { tasks, metrics, clock, logger }: WatchConfigDeps,
): void {
  tasks.run('watch configuration', (signal) => watchFiles([file], clock, signal, reload, asRead));

  async function reload(): Promise<void> {
    try {
      const config = await loadConfig(file);
      active.apply(config);
      declareUpstreams(metrics, upstreamNames(config));
      warnOfConfig(config, logger);
      metrics.configValid.set(1);
      metrics.configReloads.inc({ result: 'applied' });
      logger.info('configuration changed', { event: 'config-applied', upstreams: upstreamNames(config) });
    } catch (error) {
      if (!isLarderError(error)) throw error;
      metrics.configReloads.inc({ result: 'refused' });
      metrics.configValid.set(0);
      logger.error('changed configuration refused, the old one stays in force', {
        event: 'config-refused',
        problems: error.message.split('\n'),
      });
    }
  }
}

/** The upstreams of a configuration, by name. */
export function upstreamNames(config: RegistryConfig): string[] {
  return config.caches.map((cache) => cache.upstream);
}
