import { MIRROR_CONFIG_CRD } from '../../src/api/crd/mirror-config-crd.ts';
import { REGISTRY_CONFIG_CRD } from '../../src/api/crd/registry-config-crd.ts';
import type { Problem } from '../../src/kit/document/field-problem.ts';
import { createApiRequests, type ApiRequests, type ApiStatus } from '../cluster/api-requests.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';

/** API server that knows our kinds. Disposing stops it. */
export interface CustomResources extends AsyncDisposable {
  readonly server: ApiServer;
  readonly request: ApiRequests;
}

/** Starts an API server and installs the CRDs. Needs the parts of the group api. */
export async function startCustomResources(): Promise<CustomResources> {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startApiServer());
  const request = cleanup.use(createApiRequests(server.access));
  await server.kubectl.apply(REGISTRY_CONFIG_CRD, MIRROR_CONFIG_CRD);
  await server.kubectl('wait', 'crd', '--all', '--for=condition=Established', '--timeout=30s');
  const resources = cleanup.move();
  return { server, request, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Path of the objects of a kind in the namespace `default`. */
export function objectsPath(apiVersion: string, kind: string): string {
  return `/apis/${apiVersion}/namespaces/default/${kind.toLowerCase()}s`;
}

/** Problems in a refusal of the API server, sorted, each as `field: detail` without the value, which the API server quotes and we mask. */
export function causesOf({ details }: ApiStatus): string[] {
  const causes = details?.causes ?? [];
  return causes
    .filter(({ field }) => field !== '<nil>') // reports that other rules were not evaluated
    .map(({ field, message = '' }) => `${field}: ${withoutValue(message)}`)
    .sort();
}

/** Problems of our own parser in the same form. */
export function problemTexts(problems: readonly Problem[]): string[] {
  return [...new Set(problems.map(({ path, message }) => `${path}: ${withoutValue(message)}`))].sort();
}

function withoutValue(message: string): string {
  return message.replace(/^Invalid value: (?:"(?:[^"\\]|\\.)*"|-?\d+|\{.*?\}|null): /, '');
}
