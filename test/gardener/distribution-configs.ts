/**
 * Texts of `config.yml` by the Go extension (version 0.24.0), with the cache of the RegistryConfig and the login from
 * which it was written. The texts were recorded at real API servers; comments are left out. `distribution-configs.json` has what differs
 * from `distribution-config.yml`.
 */
import { readFileSync } from 'node:fs';

export interface RecordedConfig {
  /** Name of the recording. */
  readonly case: string;
  readonly text: string;
  readonly cache: {
    readonly upstream: string;
    readonly remoteURL?: string;
    readonly garbageCollection?: { readonly ttl?: string };
    readonly http?: { readonly tls?: boolean };
    readonly secretReferenceName?: string;
  };
  readonly login?: { readonly username?: string; readonly password?: string };
}

export function recordedConfigs(): RecordedConfig[] {
  const rows = JSON.parse(read('distribution-configs.json')) as (Omit<RecordedConfig, 'text'> & {
    proxy: string;
  })[];
  return rows.map(({ proxy, ...row }) => {
    const hasTls = row.cache.http === undefined || row.cache.http.tls === true;
    return { ...row, text: recordedText(proxy, hasTls) };
  });
}

/** The recorded form of `config.yml` with another section `proxy`. */
export function recordedText(proxy: string, hasTls: boolean): string {
  const form = read('distribution-config.yml');
  const rest = hasTls ? form : form.replace(/^ {2}tls:\n {4}certificate: .+\n {4}key: .+\n/m, '');
  return `${rest}proxy:\n${proxy}\n`;
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}
