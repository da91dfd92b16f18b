/** A stand-in for `bin/larder` that keeps to its contract just as far as the tests of `process.ts` need. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

const [command, ...args] = process.argv.slice(2);

if (command === 'serve') {
  serve();
} else if (command === 'hang') {
  setInterval(() => {}, 1000);
} else {
  process.stderr.write('complaint\n');
  process.stdout.write(`${command} ${args.join(' ')} ${await text(process.stdin)}`);
  process.exitCode = 3;
}

function serve(): void {
  process.stderr.write('not json\n');
  if (args.includes('--fail')) {
    process.stderr.write(`${JSON.stringify({ level: 'fatal', msg: 'disk on fire' })}\n`);
    process.exit(1);
  }
  const server = createServer((request, response) => {
    response.end(
      request.url === '/metrics' ? 'registry_proxy_hits_total{type="blob"} 2\n' : JSON.stringify(seen()),
    );
  });
  server.listen(0, '127.0.0.1', () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.stderr.write(`${JSON.stringify({ event: 'ready', registry: url, admin: url })}\n`);
  });
  process.on('SIGTERM', () => process.exit(0));
}

function seen() {
  const flag = (name: string): string => args[args.indexOf(name) + 1] ?? '';
  return {
    arguments: process.argv.slice(2).join(' '),
    level: process.env['LARDER_LOG_LEVEL'],
    config: readFileSync(flag('--config'), 'utf8'),
    username: readFileSync(`${flag('--secrets')}/login/username`, 'utf8'),
  };
}
