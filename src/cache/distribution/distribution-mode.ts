import { jsonPage, type AdminDeps } from '../../kit/admin/admin-listener.ts';
import type { DistributionSettings } from '../../api/distribution-config/parse.ts';

/** Settings from Distribution's configuration for which there are no flags. A cache without this mode has the defaults. */
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
