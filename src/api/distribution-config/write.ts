import { formatDuration, type Duration } from '../../kit/duration.ts';
import { quotedYaml } from '../../kit/document/quoted-yaml.ts';
import { formatAddress, type Address } from '../../kit/listen.ts';
import { ADDED_FILE } from './files.ts';
import type { DistributionDocument } from './schema.ts';

/**
 * Writes a configuration of the Distribution project that `distributionSchema` reads as the same document, and Distribution too. Every text is
 * in quotes, so that a user may be called `@user` or `0123`. A field that is undefined is left out.
 */
export function writeDistributionConfig(document: DistributionDocument): string {
  const { version, http, health, ...rest } = document;
  const { enabled, interval, threshold } = health.storagedriver;
  const written = {
    // Distribution's own examples have a number here.
    version: version === '0.1' ? 0.1 : version,
    ...rest,
    http: {
      ...http,
      addr: addressText(http.addr),
      debug: { ...http.debug, addr: addressText(http.debug.addr) },
      draintimeout: durationText(http.draintimeout),
    },
    health: { storagedriver: { enabled, interval: durationText(interval), threshold } },
  };
  return HEADER + quotedYaml(withoutEmpty(written) as object);
}

const HEADER = `\
# Written by Larder for gardener-extension-registry-cache, for Larder as well as for a registry of the Distribution project.
# A file ${ADDED_FILE} beside this one, where there is one, takes the place of the section proxy for Larder.
`;

function durationText(duration: Duration | undefined): string | undefined {
  return duration === undefined ? undefined : formatDuration(duration);
}

/** Writes an address as Go does: without a host it means all addresses. */
function addressText(address: Address | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.host === '::' ? `:${address.port}` : formatAddress(address);
}

/** Leaves out undefined fields, and sections without a field. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value)
    .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
    .filter(([, inner]) => inner !== undefined);
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}
