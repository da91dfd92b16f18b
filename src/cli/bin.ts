import { systemClock } from '../kit/clock.ts';
import { batchedWriter } from './batched-writer.ts';
import { main, packageVersion } from './main.ts';

const stderr = batchedWriter((text) => process.stderr.write(text));
process.on('exit', () => stderr.flush());
// Who reads the log or the output may go away: that is no reason to end.
for (const stream of [process.stderr, process.stdout]) stream.on('error', () => {});

/** The process: the only place that touches its globals. */
process.exitCode = await main(process.argv.slice(2), {
  environment: process.env,
  isTerminal: process.stderr.isTTY,
  version: packageVersion(),
  out: (text) => void process.stdout.write(text),
  err: (text) => stderr.write(text),
  onSignal(listener) {
    const names = ['SIGINT', 'SIGTERM'] as const;
    for (const name of names) process.on(name, listener);
    return () => {
      for (const name of names) process.off(name, listener);
    };
  },
});

// All of our own has ended. Clients of others, such as a cloud's, may still wait for a server that never answers.
systemClock.after(500, () => process.exit());
