import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { mock } from 'node:test';

/** Lets reads of folders and links fail with EIO where `isBroken` says so. */
export function failingReads(isBroken: (path: string) => boolean): Disposable {
  const failing =
    <Args extends unknown[], T>(call: (...args: Args) => T, fail: (error: Error) => T) =>
    (...args: Args): T =>
      isBroken(String(args[0])) ? fail(Object.assign(new Error('EIO'), { code: 'EIO' })) : call(...args);
  const refuse = async (failure: Error): Promise<never> => {
    throw failure;
  };
  const mocks = [
    mock.method(fsPromises, 'readdir', failing(fsPromises.readdir as () => Promise<never>, refuse)),
    mock.method(fsPromises, 'opendir', failing(fsPromises.opendir as () => Promise<never>, refuse)),
    mock.method(
      fs,
      'statSync',
      failing(fs.statSync as () => never, (error) => {
        throw error;
      }),
    ),
  ];
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]() {
      for (const one of mocks) one.mock.restore();
      syncBuiltinESMExports();
    },
  };
}
