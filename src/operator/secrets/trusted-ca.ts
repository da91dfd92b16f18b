import { isCaBundle } from '../../api/secrets/ca-bundle-rules.ts';
import type { Logger } from '../../kit/logger.ts';
import type { ObjectStore } from '../../kube/informer/object-store.ts';
import { keyText } from '../../kube/controller/object-key.ts';
import type { ConfigMap } from '../../kube/objects/config-maps.ts';
import type { ObjectKey } from '../../kube/types.ts';
import { createObservable, type Observable } from '../cluster/observable.ts';

const KEY = 'bundle.crt';
/** Largest bundle in bytes: it is mounted into every cache. All authorities of Mozilla, as distributions ship them, take 220 KB. */
const MOST_BYTES = 256 * 1024;

/** The CA certificates that every cache trusts for its upstream, beside those of the system and of its own configuration. */
export interface TrustedCa {
  /** PEM. Undefined without certificates, or as long as none could be read since the start. */
  readonly bundle: string | undefined;
  /** Reason why the current contents are not used. The bundle is then the one before, if it is known. */
  readonly problem: string | undefined;
}

export type TrustedCaView = Pick<Observable<TrustedCa>, 'get' | 'onChange'>;

export const NOTHING_TRUSTED: TrustedCa = { bundle: undefined, problem: undefined };

/**
 * Follows the ConfigMap `key`, which `store` holds. While it is missing there is nothing more to trust. While its contents cannot be used, what
 * was trusted before stays, and one warning says why. Without a store nothing more is trusted.
 */
export function createTrustedCa(
  { store, logger }: { readonly store: ObjectStore<ConfigMap> | undefined; readonly logger: Logger },
  key: ObjectKey | undefined,
): TrustedCaView {
  const view = createObservable<TrustedCa>(NOTHING_TRUSTED, ({ bundle, problem }) =>
    JSON.stringify([bundle, problem]),
  );
  if (store === undefined || key === undefined) return view;
  store.onChange((_before, after) => {
    const previous = view.get();
    const found = after === undefined ? NOTHING_TRUSTED : readTrustedCa(after.data?.[KEY]);
    view.set(found.problem === undefined ? found : { ...previous, problem: found.problem });
    const { problem } = view.get();
    if (problem === previous.problem) return;
    const configMap = keyText(key);
    if (problem === undefined)
      logger.info('the CA certificates for all caches can be used again', { configMap });
    else
      logger.warn('the CA certificates for all caches cannot be used, caches keep those before', {
        configMap,
        error: problem,
      });
  });
  return view;
}

/** Reads PEM, or PEM in base64 as gardenlet writes it (gardener 1.149, `pkg/component/shoot/system/system.go`). */
function readTrustedCa(content: string | undefined): TrustedCa {
  if (content === undefined) return { bundle: undefined, problem: `expected the key ${KEY}` };
  const bundle = content.includes('-----BEGIN') ? content : Buffer.from(content, 'base64').toString('utf8');
  const bytes = Buffer.byteLength(bundle);
  if (bytes > MOST_BYTES)
    return {
      bundle: undefined,
      problem: `${KEY} has ${bytes} bytes, but at most ${MOST_BYTES} are allowed: keep only the certificates that registries need`,
    };
  if (!isCaBundle(bundle))
    return {
      bundle: undefined,
      problem: `expected certificates in PEM form in ${KEY}, as they are or in base64`,
    };
  return { bundle, problem: undefined };
}
