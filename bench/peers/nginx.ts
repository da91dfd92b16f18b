import { tempDir } from '../../test/kit/index.ts';
import { startDaemon } from '../../test/parts/daemon.ts';
import { needPart } from '../../test/parts/find.ts';
import { freePort } from '../../test/parts/free-port.ts';
import type { Peer } from './peer.ts';
import type { ServerKey } from './server-key.ts';

export interface NginxOptions {
  readonly origin: string;
  readonly tls?: ServerKey | undefined;
}

/** Starts nginx as a cache of the origin, configured for throughput. Throws an `Error` with its output if it does not start. */
export async function startNginx({ origin, tls }: NginxOptions): Promise<Peer> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const port = await freePort();
  if (tls !== undefined) {
    own.write('key.pem', tls.key);
    own.write('cert.pem', tls.cert);
  }
  const configuration = own.write('nginx.conf', configurationOf(own.path, port, origin, tls !== undefined));
  const daemon = cleanup.use(
    await startDaemon({
      name: 'nginx',
      command: needPart('nginx'),
      args: ['-e', 'stderr', '-c', configuration, '-p', own.path],
      ready: /start worker process \d+\n[^]*start worker process \d+\n/,
    }),
  );
  const resources = cleanup.move();
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    pid: daemon.pid,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/**
 * Configuration of nginx. It sends files in the page cache by `sendfile` without a copy; a thread pool (`aio threads`) would only add
 * hand-overs. With TLS it reads files in pieces of 512 KiB. It fetches a missing object once for all waiting callers. A tag is fresh for
 * 30 s, as in Larder, and content by digest for a day.
 */
function configurationOf(own: string, port: number, origin: string, tls: boolean): string {
  return `daemon off; worker_processes 2; pid ${own}/pid; error_log stderr notice; ${asRoot()}
events { worker_connections 4096; }
http {
  access_log off; default_type application/octet-stream;
  sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000; output_buffers 2 512k;
  open_file_cache max=10000 inactive=60s;
  client_body_temp_path ${own}/body; proxy_temp_path ${own}/proxy; fastcgi_temp_path ${own}/fastcgi;
  uwsgi_temp_path ${own}/uwsgi; scgi_temp_path ${own}/scgi;
  proxy_cache_path ${own}/cache levels=1:2 keys_zone=content:16m max_size=100g inactive=1d use_temp_path=off;
  upstream origin { server ${new URL(origin).host}; keepalive 32; }
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''};
    ${tls ? `ssl_certificate ${own}/cert.pem; ssl_certificate_key ${own}/key.pem; ssl_protocols TLSv1.3;` : ''}
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host ${new URL(origin).host};
    proxy_buffer_size 16k; proxy_buffers 16 128k; proxy_busy_buffers_size 512k;
    proxy_cache content; proxy_cache_lock on; proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h;
    location ~ ":[0-9a-f]+$" { proxy_pass http://origin; proxy_cache_valid 200 1d; }
    location / {
      proxy_pass http://origin; proxy_cache_valid 200 30s;
      proxy_cache_revalidate on; proxy_cache_use_stale updating error timeout; proxy_cache_background_update on;
    }
  }
}
`;
}

/** Sets the user of the workers. If nginx runs as root, they would switch to a user who may not read this directory. */
function asRoot(): string {
  return process.getuid?.() === 0 ? 'user root;' : '';
}
