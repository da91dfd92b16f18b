import { Agent, fetch } from 'undici';
import type { ApiAccess } from './kubeconfig.ts';

/** The body of an answer that is no object: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export interface ApiStatus {
  readonly kind: 'Status';
  readonly message: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string }[] };
}

/** Requests to an API server, as they are. Disposing it closes its connections. */
export interface ApiRequests extends AsyncDisposable {
  /** Gives the object in the answer, or the status when it was refused. */
  (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<object | ApiStatus>;
}

/** A way in with a token of a service account instead of a certificate. */
export type TokenAccess = Omit<ApiAccess, 'client'> & { readonly token: string };

/** Binds requests to an API server and to who makes them: for suites that count on the answer's fields, which kubectl does not show. */
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

/** The status in an answer; undefined when it holds the object that was asked for. */
export function refusal(answer: object | ApiStatus): ApiStatus | undefined {
  return 'kind' in answer && answer.kind === 'Status' ? answer : undefined;
}
