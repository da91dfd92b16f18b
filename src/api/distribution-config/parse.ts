import type { Address } from '../../kit/listen.ts';
import { durationToMs } from '../../kit/duration.ts';
import type { Problem } from '../../kit/document/field-problem.ts';
import { readYamlText } from '../../kit/document/yaml-text.ts';
import { decode } from '../document/decode.ts';
import type { RegistryConfig } from '../registry-config/effective.ts';
import { registryConfigOf } from './registry-config-of.ts';
import { distributionProblems } from './rules.ts';
import { distributionSchema, type DistributionDocument } from './schema.ts';

/** The meaning of a configuration of the Distribution project for Larder. A setting that the file leaves out is undefined. */
export interface DistributionConfig {
  readonly settings: DistributionSettings;
  /** One cache, of the upstream at `proxy.remoteurl`. */
  readonly registryConfig: RegistryConfig;
  /** `proxy.username` and `proxy.password`, if neither is empty: {@link DISTRIBUTION_SECRET}. */
  readonly login: { readonly username: string; readonly password: string } | undefined;
  /** Paths of the keys that have no meaning here, in the order of the document. */
  readonly unknownKeys: readonly string[];
}

/** The settings of the process. */
export interface DistributionSettings {
  /** Value of the field `service` in every log line. */
  readonly service: string | undefined;
  readonly storeDirectory: string | undefined;
  readonly address: Address | undefined;
  readonly adminAddress: Address | undefined;
  /** Path of the metrics on the admin listener; undefined: none. */
  readonly metricsPath: string | undefined;
  readonly drainMs: number | undefined;
  readonly tlsFiles: { readonly cert: string; readonly key: string } | undefined;
  /** Header fields of every answer to registry clients. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

export type DistributionParseResult =
  | { readonly ok: true; readonly config: DistributionConfig }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads a configuration of the Distribution project (its docs, "Configuring a registry", version 3) as far as the Go extension writes
 * it. Gives its meaning, or all problems at once. Never throws, and never repeats a login.
 */
export function parseDistributionConfig(text: string): DistributionParseResult {
  const { value: document, problems: ofText } = readYamlText(text, { holdsSecrets: true });
  if (ofText.length > 0) return { ok: false, problems: ofText.map(withQuotingHint) };
  const { value, problems: ofFields, isBroken } = decode(distributionSchema, document);
  const unknownKeys = ofFields.filter(({ kind }) => kind === 'UnknownField').map(({ path }) => path);
  const broken = ofFields.filter(({ kind }) => kind !== 'UnknownField').map(withQuotingHint);
  if (value === undefined) return { ok: false, problems: broken };
  const registry = registryConfigOf(value.proxy);
  const ofRules = [...distributionProblems(value, unknownKeys), ...registry.problems];
  const problems = [
    ...broken,
    ...ofRules.filter(({ path, kind }) => kind === 'Forbidden' || !isBroken(path)),
  ];
  // Without a problem there is a configuration.
  if (problems.length > 0 || registry.config === undefined) return { ok: false, problems };
  const config = {
    settings: settingsOf(value),
    registryConfig: registry.config,
    login: registry.login,
    unknownKeys,
  };
  return { ok: true, config };
}

function settingsOf({ log, storage, http }: DistributionDocument): DistributionSettings {
  const { certificate, key } = http.tls;
  const { prometheus } = http.debug;
  return {
    service: log.fields.service,
    storeDirectory: storage.filesystem.rootdirectory,
    address: http.addr,
    adminAddress: http.debug.addr,
    metricsPath: prometheus.enabled ? prometheus.path : undefined,
    drainMs: http.draintimeout === undefined ? undefined : Math.max(0, durationToMs(http.draintimeout)),
    tlsFiles: certificate === undefined || key === undefined ? undefined : { cert: certificate, key },
    headers: http.headers,
  };
}

/** Explains the usual reason of a file that cannot be read. The Go extension writes the user name without quotes. */
function withQuotingHint(problem: Problem): Problem {
  const concernsLogin = problem.kind === 'Syntax' || problem.path === 'proxy.username';
  if (!concernsLogin) return problem;
  const add = (text: string): string =>
    `${text}; a user name with characters of YAML, such as @user, *user or "a: b", must be in quotes, which ` +
    'gardener-extension-registry-cache leaves out: use a login with another name';
  return { ...problem, message: add(problem.message), text: add(problem.text) };
}
