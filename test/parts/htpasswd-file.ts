import { join } from 'node:path';
import type { TempDir } from '../kit/temp.ts';
import { needPart } from './find.ts';
import { run } from './run.ts';
import type { Account } from './token-server.ts';

/** The accounts of a registry with Basic authentication, in the file that it reads again after each change. */
export interface HtpasswdFile {
  readonly path: string;
  /** From now on this account exists, with this password. */
  allow(account: Account): Promise<void>;
  /** From now on there is no account of this name. */
  forget(username: string): void;
}

/** Puts such a file, with one account, into the directory. */
export async function createHtpasswdFile(directory: TempDir, account: Account): Promise<HtpasswdFile> {
  const lines = new Map<string, string>();
  const write = (): void => void directory.write('htpasswd', [...lines.values()].join(''));
  const allow = async ({ username, password }: Account): Promise<void> => {
    // Distribution reads bcrypt only; cost 4 is the least, since every request pays it.
    const { stdout } = await run(needPart('htpasswd'), ['-nbB', '-C', '4', username, password]);
    lines.set(username, `${stdout.trim()}\n`);
    write();
  };
  await allow(account);
  return {
    path: join(directory.path, 'htpasswd'),
    allow,
    forget(username) {
      lines.delete(username);
      write();
    },
  };
}
