/**
 * The name rules of k8s.io/apimachinery `util/validation` with their texts. Each function gives the messages of all rules that
 * `name` breaks. Lengths are in bytes.
 */

/** Checks a DNS subdomain (RFC 1123): a name of most Kubernetes objects, or a host name. A single label may exceed 63 bytes. */
export function subdomainErrors(name: string): string[] {
  const errors: string[] = [];
  if (Buffer.byteLength(name) > 253) errors.push(SUBDOMAIN_TOO_LONG);
  if (!SUBDOMAIN.test(name)) errors.push(SUBDOMAIN_MESSAGE);
  return errors;
}

/** Checks a DNS label (RFC 1123): the name of a Service, or a part of it. */
export function labelErrors(name: string): string[] {
  const errors: string[] = [];
  if (Buffer.byteLength(name) > 63) errors.push('must be no more than 63 characters');
  if (!LABEL.test(name)) errors.push(SUBDOMAIN.test(name) ? LABEL_WITH_DOTS : LABEL_MESSAGE);
  return errors;
}

export const LABEL_PATTERN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
export const SUBDOMAIN_PATTERN = `${LABEL_PATTERN}(\\.${LABEL_PATTERN})*`;
export const SUBDOMAIN_TOO_LONG = 'must be no more than 253 characters';
export const LABEL_WITH_DOTS = 'must not contain dots';
const LABEL = new RegExp(`^${LABEL_PATTERN}$`);
const SUBDOMAIN = new RegExp(`^${SUBDOMAIN_PATTERN}$`);

export const SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
  `with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN_PATTERN}')`;
/** The two blanks before `or` are in the original. */
export const LABEL_MESSAGE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  `alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL_PATTERN}')`;
