import { startApiServer, type ApiServer, type ApiServerOptions } from '../cluster/start-api-server.ts';
import { waitFor } from '../kit/wait.ts';
import type { Endpoint } from './client.ts';
import { WIDGET_DEFINITION } from './widgets.ts';

/** A real API server in place of {@link startApi}. It knows widgets and has the namespace `test`. */
export interface RealApi extends AsyncDisposable {
  readonly server: ApiServer;
  /** Access for an administrator. */
  readonly endpoint: Endpoint;
}

/** Needs the parts of the group api; takes about 6 s. */
export async function startRealApi(options: ApiServerOptions = {}): Promise<RealApi> {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startApiServer(options));
  const { kubectl } = server;
  await kubectl.apply(WIDGET_DEFINITION, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'test' },
  });
  await waitFor(() => kubectl('get', '--raw', '/apis/test.example/v1/widgets'), {
    everyMs: 100,
    what: 'widgets to be served',
  });
  const resources = cleanup.move();
  return {
    server,
    endpoint: endpointOf(server.access),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The same access in the form of a client. */
export function endpointOf({ server, ca, client }: ApiServer['access']): Endpoint {
  return { url: server, ca, ...client };
}
