import { jsonPage, type AdminDeps } from '../../kit/admin/admin-listener.ts';
import type { DistributionSettings } from '../../api/distribution-config/parse.ts';

/** What a cache takes of Distribution's configuration that has no flag. A cache without this mode has all of it by default. */
export type DistributionMode = Pick<DistributionSettings, 'headers' | 'metricsPath' | 'drainMs'>;

/**
 * The pages by which a registry of the Distribution project (version 3.1, `health/health.go`) is watched: `/debug/health` with the checks
 * that fail, and the metrics if they are enabled.
 */
export function distributionPages(
  { metricsPath }: Pick<DistributionMode, 'metricsPath'>,
  isReady: () => boolean,
): Pick<AdminDeps, 'metricsPath' | 'pages'> {
  return {
    metricsPath: metricsPath ?? false,
    pages: {
      '/debug/health': () =>
        isReady() ? jsonPage(200, {}) : jsonPage(503, { larder: 'starting or stopping' }),
    },
  };
}
