/** Place at which the API server reaches the webhooks: the flags `--webhook-config-*` as they are. */
export interface WebhookPlace {
  /** `service`, `url` or `url-service`. Another one is refused by the API server. */
  readonly mode: string;
  /** Host and port for the mode `url`. */
  readonly url: string;
  /** Namespace of the Service. Empty: certificates are not kept in the cluster. */
  readonly namespace: string;
  /** Port of the Service for the modes that have one. 0: that of the server. */
  readonly servicePort: number;
}

/** `clientConfig` of a registered webhook, without its CA bundle. */
export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly name: string;
    readonly namespace: string;
    readonly path: string;
    readonly port: number;
  };
  /** PEM in base64. */
  readonly caBundle?: string;
}

/** Address of one path. `serverPort` is the port that the server listens on. */
export function webhookClientConfig(
  { mode, url, namespace, servicePort }: WebhookPlace,
  service: string,
  serverPort: number,
  path: string,
): WebhookClientConfig {
  const port = servicePort > 0 ? servicePort : serverPort;
  switch (mode) {
    case 'url':
      return { url: `https://${url}${path}` };
    case 'url-service':
      return { url: `https://${service}.${namespace}:${port}${path}` };
    case 'service':
      return { service: { name: service, namespace, path, port } };
    default:
      return {};
  }
}

/**
 * DNS names and IP addresses that the certificate of the server is for, as the Go library chooses them (gardener v1.147.1,
 * `extensions/pkg/webhook/certificates`). There are none for the mode `url-service`.
 */
export function certificateNames(
  { mode, url, namespace }: Pick<WebhookPlace, 'mode' | 'url' | 'namespace'>,
  service: string,
): readonly string[] {
  if (mode === 'url') return [hostOf(url)];
  if (mode !== 'service') return [];
  return namespace === '' ? [service] : [service, `${service}.${namespace}`, `${service}.${namespace}.svc`];
}

/** Host of `host:port`, with or without brackets. Any other text is the host itself. */
function hostOf(url: string): string {
  const match = /^(?:\[(?<bracketed>[^[\]]*)\]|(?<plain>[^:[\]]*)):[^:[\]]*$/.exec(url);
  const { bracketed, plain } = match?.groups ?? {};
  return bracketed ?? plain ?? url;
}
