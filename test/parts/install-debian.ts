import { rm, writeFile } from 'node:fs/promises';
import { isExecutable } from './find.ts';
import type { DebianPart } from './parts.ts';
import { run, runToExit } from './run.ts';

const INSTALL_LIMIT_MS = 5 * 60_000;

/** Program that invoke-rc.d asks before it starts a service; 101 means "no" (/usr/share/doc/init-system-helpers). */
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const START_NOTHING = '#!/bin/sh\nexit 101\n';

/**
 * An installer of Debian packages that starts no services, ever: the suites start every program themselves. Gives
 * false when the package is there already. Throws an `Error` that says what is missing: apt, root, or the version.
 */
export function createDebianInstaller(): (part: DebianPart) => Promise<boolean> {
  let listsAreFresh = false;

  return async function installDebianPart(part) {
    if (await isInstalled(part)) return false;
    if (!isExecutable('/usr/bin/apt-get'))
      throw new Error(`needs apt-get, for the Debian package ${part.package}`);
    if (process.getuid?.() !== 0) throw new Error(`needs root, for: apt-get install ${part.package}`);
    if (!listsAreFresh) await apt(['update']);
    listsAreFresh = true;
    await withoutServices(() => apt(['install', '--yes', '--no-install-recommends', part.package]));
    if (await isInstalled(part)) return true;
    throw new Error(
      `${part.package} ${part.version} is not what this Debian has: ${await installedVersion(part)}`,
    );
  };
}

async function isInstalled(part: DebianPart): Promise<boolean> {
  return isExecutable(part.path) && (await installedVersion(part)).startsWith(part.version);
}

/** Version without Debian's epoch, empty when the package is not installed. */
async function installedVersion(part: DebianPart): Promise<string> {
  const { code, stdout } = await runToExit('dpkg-query', ['-W', '-f', '${Version}', part.package]);
  return code === 0 ? stdout.replace(/^\d+:/, '') : '';
}

async function apt(args: readonly string[]): Promise<void> {
  await run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    limit: INSTALL_LIMIT_MS,
  });
}

/** Runs `action` while the machine forbids packages to start services; leaves a policy of the machine's own alone. */
async function withoutServices(action: () => Promise<void>): Promise<void> {
  if (isExecutable(POLICY_FILE)) return action();
  await writeFile(POLICY_FILE, START_NOTHING, { mode: 0o755, flag: 'wx' });
  try {
    await action();
  } finally {
    await rm(POLICY_FILE, { force: true });
  }
}
