import { readdirSync, readlinkSync } from 'node:fs';

/** Connections, listeners and files that a process holds open, without the files of the store that it may keep for the next reader. */
export interface Census {
  readonly sockets: number;
  readonly files: number;
}

/** Undefined where there is no `/proc`. */
export function censusOf(pid: number): Census | undefined {
  let open: string[];
  try {
    open = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return undefined;
  }
  const targets = open.map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  return {
    sockets: targets.filter((target) => target.startsWith('socket:')).length,
    files: targets.filter((target) => target.startsWith('/') && !target.includes('/blobs/')).length,
  };
}

/** Empty for one that was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
