/** A stand-in for `bin/larder` with the part of its contract that the tests of `process.ts` need. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  const leak = args.includes('--leak') ? flag('--leak') : undefined;
  if (leak !== undefined) leakInto(leak);
  const server = createServer((request, response) => {
    const metrics = `registry_proxy_hits_total{type="blob"} 2\n${leak === 'metrics' ? `# ${password()}` : ''}`;
    response.end(request.url === '/metrics' ? metrics : JSON.stringify(seen()));
  });
  server.listen(0, '127.0.0.1', () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.stderr.write(`${JSON.stringify({ event: 'ready', registry: url, admin: url })}\n`);
  });
  process.on('SIGTERM', () => process.exit(0));
}

/** Shows its configured password in the wrong place. */
function leakInto(place: string): void {
  const store = flag('--store');
  mkdirSync(store, { recursive: true });
  if (place === 'log') process.stderr.write(`${JSON.stringify({ msg: `with ${password()}` })}\n`);
  if (place === 'name') writeFileSync(`${store}/of-${password()}`, '');
  if (place === 'file') {
    const login = Buffer.from(`alice:${password()}`).toString('base64');
    writeFileSync(`${store}/index.sqlite-wal`, Buffer.from(`\0\xff${login}\0`, 'latin1'));
  }
}

function password(): string {
  return readFileSync(`${flag('--secrets')}/login/password`, 'utf8');
}

function flag(name: string): string {
  return args[args.indexOf(name) + 1] ?? '';
}

function seen() {
  return {
    arguments: process.argv.slice(2).join(' '),
    level: process.env['LARDER_LOG_LEVEL'],
    config: readFileSync(flag('--config'), 'utf8'),
    username: readFileSync(`${flag('--secrets')}/login/username`, 'utf8'),
  };
}
