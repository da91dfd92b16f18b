import { dirname, resolve } from 'node:path';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { withoutEnd } from '../../kit/without-end.ts';
import { FILES_MAX_AGE_MS, readConnectionFile } from './connection-file.ts';
import type { KubeAccess, KubeConnection } from './connection.ts';
import { runExecPlugin, type PluginCredential, type PluginSettings } from './exec-plugin.ts';
import { createFreshValue } from './fresh-value.ts';
import { kubeconfigAccess } from './kubeconfig-access.ts';
import { parseKubeconfig, type KubeconfigContext } from './kubeconfig.ts';

export interface KubeconfigConnectionDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Signal of the program: ends a running login plugin. */
  readonly signal: AbortSignal;
}

export interface KubeconfigSettings {
  readonly file: string;
  /** Undefined: the current context. */
  readonly context: string | undefined;
  /** Environment of login plugins. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Connection described by a kubeconfig. The file, and the files it names, are read again as they change; the server stays the same. Throws
 * `KUBE_CONNECTION_INVALID` with file and field.
 */
export async function createKubeconfigConnection(
  deps: KubeconfigConnectionDeps,
  { file, context, environment }: KubeconfigSettings,
): Promise<KubeConnection> {
  const directory = dirname(resolve(file));
  const plugin = createPluginLogin(deps);
  const load = async (): Promise<KubeconfigContext> =>
    parseKubeconfig(await readConnectionFile(file, 'kubeconfig'), file, context);
  const first = await load();
  const server = withoutEnd(first.cluster.server, '/');

  const access = createFreshValue(
    deps,
    async (): Promise<KubeAccess> => {
      const kubeconfig = await load();
      const { cluster, user } = kubeconfig;
      if (withoutEnd(cluster.server, '/') !== server)
        throw new LarderError(
          'KUBE_CONNECTION_INVALID',
          `kubeconfig ${file}: the server changed from ${server}: restart to follow it`,
        );
      const { exec } = user;
      return await kubeconfigAccess(kubeconfig, {
        kubeconfig: file,
        directory,
        login: exec && (() => plugin.login({ exec, cluster, directory, environment })),
      });
    },
    FILES_MAX_AGE_MS,
  );
  await access.get(deps.signal);

  return {
    server,
    namespace: first.namespace ?? 'default',
    access: (signal) => access.get(signal),
    refresh() {
      plugin.forget();
      access.expire();
    },
  };
}

/** Runs the plugin if the last credential is about to end, was refused, or belongs to other settings. */
function createPluginLogin({ clock, signal }: KubeconfigConnectionDeps) {
  let last: { readonly settings: string; readonly credential: PluginCredential } | undefined;
  return {
    async login(settings: PluginSettings): Promise<PluginCredential> {
      const key = JSON.stringify([settings.exec, settings.cluster]);
      const { expiresAt = Infinity } = last?.credential ?? {};
      if (last === undefined || last.settings !== key || expiresAt - clock.now() < FILES_MAX_AGE_MS) {
        last = { settings: key, credential: await runExecPlugin(settings, clock, signal) };
      }
      return last.credential;
    },
    forget() {
      last = undefined;
    },
  };
}
