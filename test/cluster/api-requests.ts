import { Agent, fetch } from 'undici';
import type { ApiAccess } from './kubeconfig.ts';

/** Body of an answer without an object: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export interface ApiStatus {
  readonly kind: 'Status';
  readonly message: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string }[] };
}

/** Sends requests to an API server unchanged. Disposing closes the connections. */
export interface ApiRequests extends AsyncDisposable {
  /** Returns the object in the answer, or the status if the request was refused. */
  (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<object | ApiStatus>;
}

/** Access with a token of a service account instead of a client certificate. */
export type TokenAccess = Omit<ApiAccess, 'client'> & { readonly token: string };

/** Creates requests of one user to an API server, for suites that need fields of the answer that kubectl does not show. */
export function createApiRequests(access: ApiAccess | TokenAccess): ApiRequests {
  const { server, ca } = access;
  const [client, login] =
    'token' in access ? [{}, { authorization: `Bearer ${access.token}` }] : [access.client, {}];
  const dispatcher = new Agent({ connect: { ca, ...client } });
  const request = async (method: string, path: string, body?: object): Promise<object> => {
    const answer = await fetch(server + path, {
      method,
      dispatcher,
      headers: { 'content-type': 'application/json', ...login },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as object;
  };
  return Object.assign(request, { [Symbol.asyncDispose]: () => dispatcher.close() });
}

/** Status in an answer. Undefined if the answer is an object. */
export function refusal(answer: object | ApiStatus): ApiStatus | undefined {
  return 'kind' in answer && answer.kind === 'Status' ? answer : undefined;
}
