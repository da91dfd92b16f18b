/** Whom to trust, and who we are, on a TLS connection. */
export interface KubeTls {
  /** Authorities, PEM; undefined: those that Node.js trusts. */
  readonly ca: string | undefined;
  /** Client certificate and key, PEM. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** The name in the server's certificate, where it is not the host of the URL. */
  readonly serverName: string | undefined;
  /** False: any certificate is taken. */
  readonly verify: boolean;
}

/** What a request takes right now. */
export interface KubeAccess {
  readonly tls: KubeTls;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
}

/** How to reach one API server, for as long as the program runs: tokens, certificates and authorities rotate meanwhile. */
export interface KubeConnection {
  /** Without a slash at the end; may have a path. */
  readonly server: string;
  /** Ours: that of the service account or of the context; `default` when neither says. */
  readonly namespace: string;
  /** Remembered for a while. Throws `KUBE_CONNECTION_INVALID` when there has never been anything usable. */
  access(signal: AbortSignal): Promise<KubeAccess>;
  /** The server has refused what `access` gave: the next call looks for something newer. */
  refresh(): void;
}
