/** The file in `/etc/distribution` that a registry of the Distribution project reads. */
export const DISTRIBUTION_FILE = 'config.yml';

/**
 * Name of the file beside {@link DISTRIBUTION_FILE} that says what Distribution has no words for: a `RegistryConfig` with one cache, which
 * replaces the section `proxy` and nothing else, and `handBack`.
 */
export const ADDED_FILE = 'larder.yaml';
