import { dirname, resolve } from 'node:path';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { FILES_MAX_AGE_MS, readConnectionFile } from './connection-file.ts';
import type { KubeAccess, KubeConnection } from './connection.ts';
import { runExecPlugin, type PluginCredential, type PluginSettings } from './exec-plugin.ts';
import { createFreshValue } from './fresh-value.ts';
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
  const server = first.cluster.server.replace(/\/+$/, '');

  const access = createFreshValue(
    deps,
    async (): Promise<KubeAccess> => {
      const { cluster, user } = await load();
      if (cluster.server.replace(/\/+$/, '') !== server)
        throw invalid(file, `the server changed from ${server}: restart to follow it`);
      const text = (data: string | undefined, path: string | undefined, field: string) =>
        contentOf(
          data,
          path === undefined ? undefined : resolve(directory, path),
          `kubeconfig ${file}: ${field}`,
        );
      const [ca, cert, key, tokenOfFile] = await Promise.all([
        text(
          cluster['certificate-authority-data'],
          cluster['certificate-authority'],
          'certificate-authority',
        ),
        text(user['client-certificate-data'], user['client-certificate'], 'client-certificate'),
        text(user['client-key-data'], user['client-key'], 'client-key'),
        text(undefined, user.tokenFile, 'tokenFile'),
      ]);
      if ((cert === undefined) !== (key === undefined))
        throw invalid(file, 'expected client-certificate together with client-key');
      const { exec } = user;
      const login = exec && (await plugin.login({ exec, cluster, directory, environment }));
      const token = tokenOfFile?.trim() ?? user.token ?? login?.token;
      return {
        tls: {
          ca,
          cert: cert ?? login?.cert,
          key: key ?? login?.key,
          serverName: cluster['tls-server-name'],
          verify: cluster['insecure-skip-tls-verify'] !== true,
        },
        authorization: token === undefined ? undefined : `Bearer ${token}`,
      };
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

/** Data takes precedence over a file, as in client-go. */
async function contentOf(
  data: string | undefined,
  file: string | undefined,
  what: string,
): Promise<string | undefined> {
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString('utf8');
  return file === undefined ? undefined : await readConnectionFile(file, what);
}

function invalid(file: string, problem: string): LarderError {
  return new LarderError('KUBE_CONNECTION_INVALID', `kubeconfig ${file}: ${problem}`);
}
