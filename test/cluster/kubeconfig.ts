import type { KeyPair } from '../kit/certificate.ts';

/** Address of an API server, with the certificates to trust and to present. */
export interface ApiAccess {
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** Certificate of the server's authority, PEM. */
  readonly ca: string;
  readonly client: KeyPair;
}

/** Formats a kubeconfig with this access, credentials included. */
export function kubeconfigOf({ server, ca, client }: ApiAccess): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  // JSON is valid YAML.
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name: 'test',
        user: {
          'client-certificate-data': base64(client.cert),
          'client-key-data': base64(client.key),
        },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
