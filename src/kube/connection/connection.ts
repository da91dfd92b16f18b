/** TLS settings of a connection: trusted authorities and the client's own certificate. */
export interface KubeTls {
  /** Authorities, PEM. Undefined: those that Node.js trusts. */
  readonly ca: string | undefined;
  /** Client certificate and key, PEM. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Name in the server's certificate, if it differs from the host of the URL. */
  readonly serverName: string | undefined;
  /** False: any certificate is accepted. */
  readonly verify: boolean;
}

/** Current credentials of a request. */
export interface KubeAccess {
  readonly tls: KubeTls;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
}

/** Connection to one API server. Tokens, certificates and authorities rotate while the program runs. */
export interface KubeConnection {
  /** Without a slash at the end; may have a path. */
  readonly server: string;
  /** Namespace of the service account or the context, `default` without one. */
  readonly namespace: string;
  /** Cached for a while. Throws `KUBE_CONNECTION_INVALID` if there have never been usable credentials. */
  access(signal: AbortSignal): Promise<KubeAccess>;
  /** Discards refused credentials: the next call of `access` looks for newer ones. */
  refresh(): void;
}
