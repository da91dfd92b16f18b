import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import { withoutEnd } from '../../kit/without-end.ts';
import { FILES_MAX_AGE_MS } from './connection-file.ts';
import type { KubeConnection } from './connection.ts';
import { createFreshValue } from './fresh-value.ts';
import { kubeconfigAccess } from './kubeconfig-access.ts';
import { parseKubeconfig } from './kubeconfig.ts';

export interface KubeconfigText {
  readonly text: string;
  /** Origin of the text for messages: `Secret shoot--a--b/gardener`. */
  readonly source: string;
}

/**
 * Connection described by a kubeconfig that came as a text, as from a Secret, in its current context. Its credentials are in the text,
 * except for a token file, which is read again as it changes; nothing that would run a program or read another file is accepted. There is
 * nothing to close but the clients made from it. Throws `KUBE_CONNECTION_INVALID` with source and field, and nothing of the content.
 */
export async function createKubeconfigTextConnection(
  deps: { readonly clock: Clock; readonly logger: Logger },
  { text, source }: KubeconfigText,
  signal: AbortSignal,
): Promise<KubeConnection> {
  const kubeconfig = `of ${source}`;
  const context = parseKubeconfig(text, kubeconfig, undefined, 'foreign');
  const access = createFreshValue(
    deps,
    () => kubeconfigAccess(context, { kubeconfig, directory: '/', login: undefined }),
    context.user.tokenFile === undefined ? Infinity : FILES_MAX_AGE_MS,
  );
  await access.get(signal);
  return {
    server: withoutEnd(context.cluster.server, '/'),
    namespace: context.namespace ?? 'default',
    access: (caller) => access.get(caller),
    refresh: () => access.expire(),
  };
}
