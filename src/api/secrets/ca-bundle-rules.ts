import { goQuote } from '../../kit/document/go-quote.ts';
import { isCaBundle } from './is-ca-bundle.ts';

/**
 * What is wrong with the `bundle.crt` of a Secret, in the words of the Gardener extension; undefined for nothing. `secret` is
 * `namespace/name`. Stricter than there, where only the first certificate is looked at.
 */
export function caBundleProblem(bundle: string | undefined, secret: string): string | undefined {
  if (bundle === undefined)
    return `missing "bundle.crt" data entry in the referenced CA bundle secret ${goQuote(secret)}`;
  return isCaBundle(bundle) ? undefined : 'the CA bundle is not a valid PEM-encoded certificate';
}
