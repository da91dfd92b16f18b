/** Messages of the rules that exist twice: in TypeScript and in the CEL of a CRD. The Gardener extension's words come first. */
export const RULE_MESSAGES = {
  oneCache: 'at least one cache must be provided',
  oneMirror: 'at least one mirror must be provided',
  oneHost: 'at least one host must be provided',
  positive: 'must be greater than 0',
  urlUnparsable: 'failed to parse url',
  urlScheme: "url must start with 'http://' or 'https://' scheme",
  urlPath: 'url must not contain a path',
  urlUserInfo: 'url must not contain user info',
  urlQuery: 'url must not contain query parameters',
  urlFragment: 'url must not contain a fragment',
  immutable: 'field is immutable',

  sharedOnly: 'must be "Shared" or left out when secretReferenceName, credentials or provider is set',
  graceNeedsRealm: 'may be greater than 0 only with realm "Cache"',
  exclusive: 'may not be set together with secretReferenceName',
  onePattern: 'at least one pattern must be provided',
  oneSource: 'a Secret or a provider must be given',
  notEmpty: 'must not be empty',
  plainName: "must be a plain name, without '/'",
} as const;

export function nonNegativeMessage(field: string): string {
  return `${field} must be a non-negative duration`;
}

export function pathSegmentMessage(segment: '.' | '..'): string {
  return `url path must not contain '${segment}'`;
}

/** The Gardener extension has this message for a cache. Larder uses the same words for a mirror. */
export function alsoConfiguredMessage(upstream: string, as: 'cache' | 'mirror'): string {
  return `upstream host '${upstream}' is also configured as a registry ${as} upstream`;
}

/** `what` is a phrase such as "an image reference". */
export function patternMessage(what: string): string {
  return `must be ${what}, without blanks or a scheme`;
}
