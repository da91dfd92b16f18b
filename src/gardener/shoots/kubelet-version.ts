import { goQuote } from '../../kit/document/go-quote.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Cluster } from './cluster.ts';
import { goList, goOptionalText, goStruct, goText, unmarshalText } from './go-fields.ts';

/**
 * Checks the Kubernetes versions that count for the nodes of a worker pool: that of the shoot, and that of the pool if it has one of its own.
 * Throws `CONFIG_INVALID` in the words of the Go extension.
 */
export function checkKubeletVersion({ spec }: Cluster, pool: string | undefined): void {
  const result = SHOOT.safeParse(spec?.shoot ?? {});
  if (!result.success)
    throw new LarderError('CONFIG_INVALID', unmarshalText(spec?.shoot ?? {}, result.error));
  const { kubernetes, provider } = result.data.spec;
  const worker = provider.workers.find(({ name }) => name === pool);
  checkVersion(kubernetes.version);
  checkVersion(worker?.kubernetes.version ?? kubernetes.version);
}

/** A version as `github.com/Masterminds/semver/v3` 3.5.0 reads it: minor and patch may be missing, and a `v` may come first. */
const VERSION = new RegExp(
  String.raw`^v?\d+(?:\.\d+){0,2}(?:-(?<release>[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*))?(?:\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?$`,
);

/** Longest version that is read, in bytes. */
const LONGEST = 256;

function checkVersion(text: string): void {
  if (Buffer.byteLength(text) > LONGEST)
    throw new LarderError('CONFIG_INVALID', `version string is too long (max ${LONGEST} bytes)`);
  const match = VERSION.exec(text);
  if (match === null) throw new LarderError('CONFIG_INVALID', 'invalid semantic version');
  const tooLarge = /^[\d.]+/
    .exec(text.replace(/^v/, ''))?.[0]
    .split('.')
    .find((part) => BigInt(part) >= 2n ** 64n);
  if (tooLarge !== undefined)
    throw new LarderError(
      'CONFIG_INVALID',
      `error parsing version segment: strconv.ParseUint: parsing ${goQuote(tooLarge)}: value out of range`,
    );
  const release = match.groups?.['release']?.split('.') ?? [];
  if (release.some((part) => /^0\d+$/.test(part)))
    throw new LarderError('CONFIG_INVALID', 'version segment starts with 0');
}

const SHOOT = goStruct('Shoot of type v1beta1.Shoot', {
  spec: goStruct('Shoot.spec of type v1beta1.ShootSpec', {
    kubernetes: goStruct('ShootSpec.spec.kubernetes of type v1beta1.Kubernetes', {
      version: goText('Kubernetes.spec.kubernetes.version of type string'),
    }),
    provider: goStruct('ShootSpec.spec.provider of type v1beta1.Provider', {
      workers: goList(
        'Provider.spec.provider.workers of type []v1beta1.Worker',
        goStruct('Provider.spec.provider.workers of type v1beta1.Worker', {
          name: goText('Worker.spec.provider.workers.name of type string'),
          kubernetes: goStruct('Worker.spec.provider.workers.kubernetes of type v1beta1.WorkerKubernetes', {
            version: goOptionalText(
              'WorkerKubernetes.spec.provider.workers.kubernetes.version of type string',
            ),
          }),
        }),
      ),
    }),
  }),
});
