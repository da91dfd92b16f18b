import type { RegistryConfig } from '../api/registry-config/effective.ts';
import type { Clock } from '../kit/clock.ts';
import { isLarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { zeroUpstreamSeries, type CacheMetrics } from './metrics.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import { watchFiles } from '../kit/watch-files.ts';
import type { ActiveConfig } from './active-config.ts';
import type { ConfigSource } from './config-source.ts';
import { warnOfConfig } from './config-warnings.ts';

export interface WatchConfigDeps {
  readonly tasks: TaskGroup;
  readonly metrics: CacheMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Applies the configuration when one of its files changes, without dropping a request. A file with problems is refused: the
 * previous configuration stays in force, and log and metrics report the refusal. `asRead` is the files' fingerprint, taken before
 * they were first read.
 */
export function watchConfig(
  source: ConfigSource,
  asRead: string,
  active: ActiveConfig,
  { tasks, metrics, clock, logger }: WatchConfigDeps,
): void {
  tasks.run('watch configuration', (signal) => watchFiles(source.files, clock, signal, reload, asRead));

  async function reload(): Promise<void> {
    try {
      const config = await source.load(logger);
      active.apply(config);
      zeroUpstreamSeries(metrics, upstreamNames(config));
      warnOfConfig(config, logger);
      metrics.configValid.set(1);
      metrics.configReloads.inc({ result: 'applied' });
      logger.info('configuration applied', { event: 'config-applied', upstreams: upstreamNames(config) });
    } catch (error) {
      if (!isLarderError(error)) throw error;
      metrics.configReloads.inc({ result: 'refused' });
      metrics.configValid.set(0);
      logger.error('changed configuration refused; the previous one stays in force', {
        event: 'config-refused',
        problems: error.message.split('\n'),
      });
    }
  }
}

/** Names of the upstreams of a configuration. */
export function upstreamNames(config: RegistryConfig): string[] {
  return config.caches.map((cache) => cache.upstream);
}
