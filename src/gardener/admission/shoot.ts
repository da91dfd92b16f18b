import { z } from 'zod';
import { valueAt, type FieldPath } from '../../kit/document/field-problem.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import { goJsonType } from '../../kit/json.ts';
import { Denial } from './denial.ts';

/** A Shoot, as far as the validators look at it, with the defaults of `core.gardener.cloud/v1beta1`. */
export type Shoot = z.output<typeof SHOOT>;

/**
 * Reads a Shoot. Fields that it does not know are left alone, because newer versions of Gardener have more. `what` begins the message, such
 * as "could not decode request". Throws a {@link Denial} of code 400 in the words of the Gardener extension.
 */
export function readShoot(object: unknown, what: string): Shoot {
  const { apiVersion, kind } = TYPE.safeParse(object).data ?? {};
  if (apiVersion !== API_VERSION || kind !== KIND) {
    const type = `no kind ${goQuote(kind ?? '')} is registered for version ${goQuote(apiVersion ?? '')}`;
    throw new Denial(`${what}: ${type}`, 400);
  }
  const shoot = SHOOT.safeParse(object);
  if (shoot.success) return shoot.data;
  const [issue] = shoot.error.issues;
  const found = goJsonType(valueAt(object, (issue?.path ?? []) as FieldPath));
  throw new Denial(`${what}: json: cannot unmarshal ${found} into Go struct field ${issue?.message}`, 400);
}

const API_VERSION = 'core.gardener.cloud/v1beta1';
const KIND = 'Shoot';

const TYPE = z.object({
  apiVersion: z.string().optional().catch(undefined),
  kind: z.string().optional().catch(undefined),
});

/** As in Go, `null` and a missing field are the zero value. `place` is the field in the error texts of Go's `encoding/json`. */
const text = (place: string) => z.preprocess((value) => value ?? '', z.string(place));
/** Ends at the first entry that cannot be read, because only one problem is reported; `z.array` would collect one for each entry. */
const list = <Entry extends z.ZodType>(place: string, entry: Entry) =>
  z.preprocess(
    (value) => value ?? [],
    z.array(z.unknown(), place).transform((values, context) => {
      const entries: z.output<Entry>[] = [];
      for (const [index, value] of values.entries()) {
        const { data, error } = entry.safeParse(value);
        const [issue] = error?.issues ?? [];
        if (issue !== undefined) {
          context.addIssue({ code: 'custom', message: issue.message, path: [index, ...issue.path] });
          return z.NEVER;
        }
        entries.push(data as z.output<Entry>);
      }
      return entries;
    }),
  );
const struct = <Shape extends z.core.$ZodLooseShape>(place: string, shape: Shape) =>
  z.preprocess((value) => value ?? {}, z.object(shape, place));

const EXTENSION = struct('ShootSpec.spec.extensions of type v1beta1.Extension', {
  type: text('Extension.spec.extensions.type of type string'),
  providerConfig: z.unknown().optional(),
});

const RESOURCE = struct('ShootSpec.spec.resources of type v1beta1.NamedResourceReference', {
  name: text('NamedResourceReference.spec.resources.name of type string'),
  resourceRef: struct(
    'NamedResourceReference.spec.resources.resourceRef of type v1.CrossVersionObjectReference',
    {
      kind: text('CrossVersionObjectReference.spec.resources.resourceRef.kind of type string'),
      name: text('CrossVersionObjectReference.spec.resources.resourceRef.name of type string'),
    },
  ),
});

/** The runtime of a worker pool without `cri` is containerd. */
const WORKER = struct('Provider.spec.provider.workers of type v1beta1.Worker', {
  cri: z.preprocess(
    (value) => value ?? { name: 'containerd' },
    z.object(
      { name: text('CRI.spec.provider.workers.cri.name of type v1beta1.CRIName') },
      'Worker.spec.provider.workers.cri of type v1beta1.CRI',
    ),
  ),
});

const SHOOT = z.object(
  {
    metadata: struct('Shoot.metadata of type v1.ObjectMeta', {
      namespace: text('ObjectMeta.metadata.namespace of type string'),
    }),
    spec: struct('Shoot.spec of type v1beta1.ShootSpec', {
      extensions: list('ShootSpec.spec.extensions of type []v1beta1.Extension', EXTENSION),
      resources: list('ShootSpec.spec.resources of type []v1beta1.NamedResourceReference', RESOURCE),
      provider: struct('ShootSpec.spec.provider of type v1beta1.Provider', {
        workers: list('Provider.spec.provider.workers of type []v1beta1.Worker', WORKER),
      }),
      kubernetes: struct('ShootSpec.spec.kubernetes of type v1beta1.Kubernetes', {
        version: text('Kubernetes.spec.kubernetes.version of type string'),
      }),
    }),
  },
  'Shoot of type v1beta1.Shoot',
);
