import { DISTRIBUTION_SECRET } from '../../api/distribution-config/registry-config-of.ts';
import type { SecretData, SecretFiles } from '../../upstream/credentials/secret-files.ts';

/** The login in a configuration of the Distribution project, as the secret {@link DISTRIBUTION_SECRET}. */
export interface OwnLogin {
  /** Undefined keeps the last login, which the configuration then names no more. */
  set(login: { readonly username: string; readonly password: string } | undefined): void;
  /** The secrets of a directory and this one. */
  besides(directory: SecretFiles | undefined): SecretFiles;
}

export function createOwnLogin(): OwnLogin {
  const handlers = new Set<() => void>();
  let current: SecretData | undefined;
  return {
    set(login) {
      if (login === undefined) return;
      if (login.username === current?.username && login.password === current.password) return;
      current = login;
      for (const handler of handlers) handler();
    },
    besides: (directory) => ({
      read: (name) => (name === DISTRIBUTION_SECRET ? current : directory?.read(name)),
      refresh: () => directory?.refresh() ?? Promise.resolve(),
      onChange(handler) {
        handlers.add(handler);
        directory?.onChange(handler);
      },
    }),
  };
}
