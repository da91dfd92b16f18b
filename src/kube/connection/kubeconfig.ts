import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { formatPath, problemsText, type FieldPath } from '../../kit/document/field-problem.ts';
import { readYamlText } from '../../kit/document/yaml-text.ts';
import { LarderError } from '../../kit/errors.ts';

const TEXT = z.string().min(1).optional();

const NAMED = z.array(z.object({ name: z.string() }).loose()).nullish();

const FILE = z.object({
  'current-context': z.string().optional(),
  contexts: NAMED,
  clusters: NAMED,
  users: NAMED,
});

const CONTEXT = z.object({ cluster: z.string(), user: z.string().optional(), namespace: TEXT });

const CLUSTER = z.object({
  server: z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }),
  'tls-server-name': TEXT,
  'insecure-skip-tls-verify': z.boolean().optional(),
  'certificate-authority': TEXT,
  'certificate-authority-data': z.base64().optional(),
});

const EXEC = z.object({
  apiVersion: z.enum(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: TEXT,
  provideClusterInfo: z.boolean().optional(),
  interactiveMode: z.enum(['Never', 'IfAvailable']).optional(),
});

const USER = z.object({
  token: TEXT,
  tokenFile: TEXT,
  'client-certificate': TEXT,
  'client-certificate-data': z.base64().optional(),
  'client-key': TEXT,
  'client-key-data': z.base64().optional(),
  exec: EXEC.optional(),
});

/**
 * Fields that would change the identity or the route of requests and are not supported. They are refused, never silently ignored (decision
 * 0008).
 */
const UNSUPPORTED = {
  cluster: ['proxy-url'],
  user: ['auth-provider', 'username', 'password', 'as', 'as-uid', 'as-groups', 'as-user-extra'],
} as const;

/**
 * Fields that a kubeconfig from a Secret must not have, whose author must not run programs or read files here. Gardener (v1.147.1,
 * `pkg/client/kubernetes/client.go`) refuses `exec` as well. It takes the files of a certificate and a key, which no component writes.
 */
const FOREIGN = {
  cluster: ['certificate-authority'],
  user: ['exec', 'client-certificate', 'client-key'],
} as const;

export type KubeconfigCluster = z.output<typeof CLUSTER>;
export type KubeconfigUser = z.output<typeof USER>;
export type KubeconfigExec = z.output<typeof EXEC>;

/** One context of a kubeconfig with its cluster and user. The others are not validated. */
export interface KubeconfigContext {
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
  readonly namespace: string | undefined;
}

/**
 * Parses the text of `file` and returns the context `wanted`, or else the current one. From a `foreign` kubeconfig it takes no more than
 * credentials and an absolute token file. Throws `KUBE_CONNECTION_INVALID`; the message names file and field and quotes nothing but names.
 */
export function parseKubeconfig(
  text: string,
  file: string,
  wanted: string | undefined,
  trust: 'own' | 'foreign' = 'own',
): KubeconfigContext {
  const fault = (path: FieldPath, message: string): LarderError => {
    const field = formatPath(path);
    return new LarderError(
      'KUBE_CONNECTION_INVALID',
      `kubeconfig ${file}: ${field === '' ? '' : `${field}: `}${message}`,
    );
  };

  function parse<Schema extends z.ZodType>(
    schema: Schema,
    value: unknown,
    path: FieldPath,
  ): z.output<Schema> {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const below = (issue?.path ?? []).filter((segment) => typeof segment !== 'symbol');
    throw fault([...path, ...below], issue?.message ?? 'cannot be read');
  }

  /** The entry of a list with this name, and its path. */
  function entry(list: 'contexts' | 'clusters' | 'users', name: string) {
    const all = document[list] ?? [];
    const at = all.findIndex((candidate) => candidate.name === name);
    if (at === -1) {
      const known = all.map((candidate) => candidate.name).join(', ');
      throw fault([list], `expected an entry named ${JSON.stringify(name)}, found: ${known || 'none'}`);
    }
    const kind = list.slice(0, -1) as 'context' | 'cluster' | 'user';
    const found = { value: all[at]?.[kind] ?? {}, path: [list, at, kind] };
    if (kind !== 'context') refuse(found, UNSUPPORTED[kind], 'is not supported');
    return found;
  }

  function refuse(
    { value, path }: { readonly value: object; readonly path: FieldPath },
    fields: readonly string[],
    problem: string,
  ): void {
    const field = fields.find((name) => Object.hasOwn(value, name));
    if (field !== undefined) throw fault([...path, field], problem);
  }

  /** Checks also the entries that are not used, as Gardener does. */
  function refuseForeign(): void {
    for (const kind of ['cluster', 'user'] as const) {
      for (const [at, one] of (document[`${kind}s`] ?? []).entries()) {
        const found = { value: one[kind] ?? {}, path: [`${kind}s`, at, kind] };
        refuse(found, UNSUPPORTED[kind], 'is not supported');
        refuse(found, FOREIGN[kind], 'is not allowed here');
        const { tokenFile } = found.value as { readonly tokenFile?: unknown };
        if (typeof tokenFile === 'string' && !isAbsolute(tokenFile))
          throw fault([...found.path, 'tokenFile'], 'expected an absolute path');
      }
    }
  }

  const yaml = readYamlText(text);
  // The parser's words may quote the text.
  if (yaml.problems.length > 0)
    throw fault([], trust === 'own' ? problemsText(yaml.problems) : 'expected YAML');
  const document = parse(FILE, yaml.value, []);
  if (trust === 'foreign') refuseForeign();
  const name = wanted ?? document['current-context'];
  if (name === undefined || name === '') throw fault(['current-context'], 'is not set: name a context');
  const found = entry('contexts', name);
  const context = parse(CONTEXT, found.value, found.path);
  const cluster = entry('clusters', context.cluster);
  const user = context.user === undefined ? undefined : entry('users', context.user);
  return {
    cluster: parse(CLUSTER, cluster.value, cluster.path),
    user: user === undefined ? {} : parse(USER, user.value, user.path),
    namespace: context.namespace,
  };
}
