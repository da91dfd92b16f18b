/**
 * The objects that the Go extension (version 0.24.0) gives a shoot for one cache with TLS, as recorded at a real API server.
 * `shoot-objects.json` has them for docker.io; data of Secrets and names with random parts are left to the test.
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { upstreamLabel, upstreamResourceName } from '../../src/api/rules/upstream-names.ts';

export interface ShootCache {
  readonly upstream: string;
  readonly remoteURL: string;
  readonly image: string;
  /** Content of the Secret in `/etc/distribution`. */
  readonly config: Readonly<Record<string, string>>;
  readonly tls: { readonly cert: string; readonly key: string };
}

/** Builds the objects for `kubectl apply`: NetworkPolicy, Service, the two Secrets, StatefulSet. */
export function shootObjects({ upstream, remoteURL, image, config, tls }: ShootCache): object[] {
  const name = upstreamResourceName(upstream);
  const configName = `${name}-config-${contentHash(config)}`;
  const tlsName = `${name}-tls-${contentHash({ 'tls.crt': tls.cert, 'tls.key': tls.key })}`;
  const text = readFileSync(new URL('shoot-objects.json', import.meta.url), 'utf8')
    .replaceAll('SHA8(registry-docker-io-tls-RANDOM2)', shortHash(tlsName))
    .replaceAll('secret-e6062c3f', `secret-${shortHash(configName)}`)
    .replaceAll('registry-docker-io-tls-RANDOM2', tlsName)
    .replaceAll('registry-docker-io-config-13cd4fb3', configName)
    .replaceAll('registry-docker-io', name)
    .replaceAll('https://registry-1.docker.io', remoteURL)
    .replaceAll('"upstream-host": "docker.io"', `"upstream-host": "${upstreamLabel(upstream)}"`)
    .replaceAll('"upstream": "docker.io"', `"upstream": "${upstream}"`)
    .replace(/"image": "[^"]+"/, `"image": "${image}"`);
  const data: Readonly<Record<string, object>> = {
    [configName]: config,
    [tlsName]: { 'tls.crt': tls.cert, 'tls.key': tls.key },
  };
  const objects = JSON.parse(text) as {
    readonly kind: string;
    readonly metadata: { readonly name: string };
  }[];
  return objects.map((one) =>
    one.kind === 'Secret' ? { ...one, stringData: data[one.metadata.name] } : one,
  );
}

/** The end of a name that follows from the content, as the Gardener library makes it. */
function contentHash(data: Readonly<Record<string, string>>): string {
  const values = Object.keys(data)
    .toSorted()
    .map((key) => hash('sha256', data[key] ?? ''));
  return shortHash(values.join(''));
}

function shortHash(text: string): string {
  return hash('sha256', text).slice(0, 8);
}
