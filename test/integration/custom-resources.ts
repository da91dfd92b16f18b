import { MIRROR_CONFIG_CRD } from '../../src/api/crd/mirror-config-crd.ts';
import { REGISTRY_CONFIG_CRD } from '../../src/api/crd/registry-config-crd.ts';
import type { Problem } from '../../src/kit/document/field-problem.ts';
import { createApiRequests, type ApiRequests, type ApiStatus } from '../cluster/api-requests.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';

/** An API server that knows our kinds. Disposing it stops it. */
export interface CustomResources extends AsyncDisposable {
  readonly server: ApiServer;
  readonly request: ApiRequests;
}

/** Starts an API server and gives it the CRDs. Needs the parts of the group api. */
export async function startCustomResources(): Promise<CustomResources> {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startApiServer());
  const request = cleanup.use(createApiRequests(server.access));
  await server.kubectl.apply(REGISTRY_CONFIG_CRD, MIRROR_CONFIG_CRD);
  await server.kubectl('wait', 'crd', '--all', '--for=condition=Established', '--timeout=30s');
  const resources = cleanup.move();
  return { server, request, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Where objects of a kind are, in the namespace `default`. */
export function objectsPath(apiVersion: string, kind: string): string {
  return `/apis/${apiVersion}/namespaces/default/${kind.toLowerCase()}s`;
}

/** What a refusal says, `field: detail` each, sorted; without the value, which the API server quotes where we mask it. */
export function causesOf({ details }: ApiStatus): string[] {
  const causes = details?.causes ?? [];
  return causes
    .filter(({ field }) => field !== '<nil>') // that other rules were not asked
    .map(({ field, message = '' }) => `${field}: ${withoutValue(message)}`)
    .sort();
}

/** What our own parser says, in the same form. */
export function toldBy(problems: readonly Problem[]): string[] {
  return [...new Set(problems.map(({ path, message }) => `${path}: ${withoutValue(message)}`))].sort();
}

function withoutValue(message: string): string {
  return message.replace(/^Invalid value: (?:"(?:[^"\\]|\\.)*"|-?\d+|\{.*?\}|null): /, '');
}
