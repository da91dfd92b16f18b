import { systemClock } from '../kit/clock.ts';
import { readBody } from '../kit/read-body.ts';
import { batchedWriter } from './batched-writer.ts';
import { main, packageVersion } from './main.ts';

const INPUT_LIMIT = 16 * 2 ** 20;

const stderr = batchedWriter((text) => process.stderr.write(text));
process.on('exit', () => stderr.flush());
// The reader of the log or output may close its end of the pipe. The process goes on.
for (const stream of [process.stderr, process.stdout]) stream.on('error', () => {});

/** Runs the command of this process. No other file uses the globals of the process. */
process.exitCode = await main(process.argv.slice(2), {
  environment: process.env,
  isTerminal: process.stderr.isTTY,
  version: packageVersion(),
  out: (text) => void process.stdout.write(text),
  err: (text) => stderr.write(text),
  async readInput() {
    const body = await readBody(process.stdin, INPUT_LIMIT, () => new Error('it has more than 16 MiB'));
    return body.toString('utf8');
  },
  onSignal(listener) {
    const names = ['SIGINT', 'SIGTERM'] as const;
    for (const name of names) process.on(name, listener);
    return () => {
      for (const name of names) process.off(name, listener);
    };
  },
});

// Larder's own work has ended. A cloud's client library may still wait for a server that never answers.
systemClock.after(500, () => process.exit());
