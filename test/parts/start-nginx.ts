import { join } from 'node:path';
import { tempDir } from '../kit/temp.ts';
import { startDaemon } from './daemon.ts';
import { needPart } from './find.ts';
import { freePort } from './free-port.ts';

export interface NginxOptions {
  /** Serve the files of this directory, or be a cache of the server at this URL. */
  readonly source: { readonly directory: string } | { readonly cacheOf: string };
  /** Key and certificate, PEM: serve TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A running nginx. Disposing it stops it and removes what it cached. */
export interface Nginx extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  /** The master; its workers, one per core, are its children. */
  readonly pid: number;
  output(): string;
}

/**
 * Starts nginx on loopback with the settings that its manual recommends for throughput: sendfile, keep-alive, no access
 * log, one request upstream per missing object (`proxy_cache_lock`). Throws an `Error` with its output when it fails.
 */
export async function startNginx({ source, tls }: NginxOptions): Promise<Nginx> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const port = await freePort();
  if (tls !== undefined) {
    own.write('key.pem', tls.key);
    own.write('cert.pem', tls.cert);
  }
  const listen = tls === undefined ? '' : ' ssl';
  const certificate =
    tls === undefined
      ? ''
      : `ssl_certificate ${join(own.path, 'cert.pem')}; ssl_certificate_key ${join(own.path, 'key.pem')};`;
  const configuration = own.write(
    'nginx.conf',
    `daemon off; master_process on; worker_processes auto; pid ${own.path}/pid; error_log stderr notice; ${asRoot()}
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
  client_body_temp_path ${own.path}/body; proxy_temp_path ${own.path}/proxy; fastcgi_temp_path ${own.path}/fastcgi;
  uwsgi_temp_path ${own.path}/uwsgi; scgi_temp_path ${own.path}/scgi;
  proxy_cache_path ${own.path}/cache levels=2 keys_zone=blobs:16m max_size=100g inactive=1d use_temp_path=off;
  open_file_cache max=10000 inactive=60s;
  server { listen 127.0.0.1:${port}${listen}; ${certificate} ${locationOf(source)} }
}
`,
  );
  const daemon = cleanup.use(
    await startDaemon({
      name: 'nginx',
      command: needPart('nginx'),
      args: ['-e', 'stderr', '-c', configuration, '-p', own.path],
      ready: /start worker process \d+/,
    }),
  );
  const resources = cleanup.move();
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    pid: daemon.pid,
    output: () => daemon.output(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function locationOf(source: NginxOptions['source']): string {
  if ('directory' in source) return `location / { root ${source.directory}; }`;
  return `location / {
    proxy_pass ${source.cacheOf}; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_cache blobs; proxy_cache_lock on; proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h; proxy_cache_valid 200 1d;
    proxy_max_temp_file_size 0;
  }`;
}

/** As root, workers would change to a user who may not read the test's directories. */
function asRoot(): string {
  return process.getuid?.() === 0 ? 'user root;' : '';
}
