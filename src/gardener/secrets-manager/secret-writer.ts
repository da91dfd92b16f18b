import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { validityOf } from '../../kube/certificates/key-pair.ts';
import { isAlreadyExists, isNotFound } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { withWords } from '../server-text.ts';
import { managedSecretOf, managedSecretObject, type ManagedSecret } from './managed-secret.ts';
import { lifetimeLabels, SECRET_LABEL, unixSeconds, type SecretLabels } from './secret-labels.ts';
import type { SecretPlan } from './secret-plan.ts';

type Data = ManagedSecret['data'];

export interface SecretWriter {
  /**
   * Returns the Secret of a plan, with the labels of the plan and no others. It is created from `make` if it does not exist. One that
   * another replica has created meanwhile is used. Throws `KUBE_API` or `KUBE_UNREACHABLE`, also if the Secret belongs to another identity.
   */
  ensure(plan: SecretPlan, make: () => Promise<Data>): Promise<ManagedSecret>;
}

export function createSecretWriter(
  {
    client,
    clock,
    logger,
  }: {
    readonly client: Pick<KubeClient, 'get' | 'create' | 'patch'>;
    readonly clock: Clock;
    readonly logger: Logger;
  },
  { namespace, identity }: { readonly namespace: string; readonly identity: string },
  signal: AbortSignal,
): SecretWriter {
  async function create({ name, configName, labels }: SecretPlan, data: Data): Promise<ManagedSecret> {
    const all = { ...labels, ...contentLabels(data, clock.now()) };
    try {
      const created = await client.create(SECRETS, managedSecretObject(namespace, name, all, data), {
        signal,
      });
      logger.info('created a Secret', { secret: `${namespace}/${name}`, config: configName });
      return managedSecretOf(created);
    } catch (error) {
      // The server's words are left out of errors about writes of Secrets. A 404 to a creation is always about the namespace.
      if (isNotFound(error))
        throw new LarderError('KUBE_API', `namespaces ${JSON.stringify(namespace)} not found`, {
          cause: error,
        });
      if (!isAlreadyExists(error)) throw error;
      return managedSecretOf(await client.get(SECRETS, { namespace, name }, { signal }));
    }
  }

  async function correct(secret: ManagedSecret, labels: SecretLabels): Promise<ManagedSecret> {
    const owner = secret.labels[SECRET_LABEL.identity];
    if (owner !== undefined && owner !== identity)
      throw new LarderError('KUBE_API', `the Secret belongs to ${owner}`, {
        hint: 'delete the Secret, or its label manager-identity',
      });
    if (secret.isImmutable && isDeepStrictEqual({ ...secret.labels }, { ...labels })) return secret;
    const changes = [
      { op: 'add', path: '/metadata/labels', value: labels },
      { op: 'add', path: '/immutable', value: true },
    ] as const;
    const { name } = secret;
    return managedSecretOf(await client.patch(SECRETS, { namespace, name }, changes, { signal }));
  }

  /** Runs a step, and puts the words of the Go library in front of its error. */
  async function step<T>(words: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      signal.throwIfAborted();
      throw withWords(words, cause);
    }
  }

  return {
    async ensure(plan, make) {
      const { existing, name, configName } = plan;
      const place = `secret ${namespace}/${name} for config ${configName}`;
      const secret =
        existing ??
        (await step(`failed generating and creating new ${place}: failed creating new secret`, async () =>
          create(plan, await make()),
        ));
      return step(`failed reconciling existing ${place}`, () =>
        correct(secret, { ...plan.labels, ...contentLabels(secret.data, clock.now(), secret.labels) }),
      );
    },
  };
}

/** Labels with the lifetime: that of the certificate, or for other content the time of its creation. */
function contentLabels(data: Data, now: number, labels: SecretLabels = {}): SecretLabels {
  const certificate = data['ca.crt'] ?? data['tls.crt'];
  if (certificate === undefined)
    return { [SECRET_LABEL.issuedAt]: labels[SECRET_LABEL.issuedAt] || unixSeconds(now) };
  const validity = validityOf(certificate);
  if (validity === undefined)
    throw new LarderError('TLS_FILES_INVALID', 'the content is not a certificate', {
      hint: 'delete the Secret, and another one is created',
    });
  return lifetimeLabels(validity);
}
