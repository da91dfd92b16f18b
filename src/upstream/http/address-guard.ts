import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { LarderError } from '../../kit/errors.ts';
import { redactUrl } from '../../kit/redact.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import { addressScope, literalScope, type AddressScope } from './address.ts';

/** Resolves a name to all its addresses. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/**
 * Keeps an upstream from sending Larder anywhere (SSRF): realms and redirects come from the upstream, not from the administrator. An https
 * upstream may name https addresses only. Loopback, link-local and private addresses are refused, unless the upstream itself is at such an
 * address: an upstream in a private network may name private addresses, one on this machine private and loopback addresses, a link-local
 * one link-local addresses.
 */
export interface AddressGuard {
  /** Throws `UPSTREAM_FORBIDDEN_ADDRESS` for a URL with a wrong scheme or a forbidden address. `what` names the URL in the message. */
  check(url: URL, what: string): void;
  /**
   * Resolves names for the sockets themselves, so that the judged address is the connected one. Leaves out forbidden addresses, and fails
   * with `UPSTREAM_FORBIDDEN_ADDRESS` if no other is left.
   */
  readonly lookup: LookupFunction;
}

/** Creates the {@link AddressGuard} of the upstream at `remote`, whose own host is always allowed. */
export function createAddressGuard(remote: URL, resolve: Resolve = resolveBySystem): AddressGuard {
  // getaddrinfo occupies one of few threads, which file reads need too. Connections to one name share one call.
  const flights = new SingleFlight<string, LookupAddress[]>();
  // The scope of a name is known once it was resolved. Until then the upstream may name public addresses only.
  let own: AddressScope = literalScope(remote.hostname) ?? 'public';

  function permitted(hostname: string, addresses: LookupAddress[]): LookupAddress[] {
    if (hostname === remote.hostname) {
      own = widest(addresses);
      return addresses;
    }
    const allowed = addresses.filter(({ address }) => mayName(own, addressScope(address)));
    if (allowed.length > 0) return allowed;
    throw forbidden(`${hostname} resolves to`, addresses[0]?.address ?? 'no address');
  }

  const addressesOf = callbackify(async (hostname: string, family: unknown) => {
    const addresses = await flights.do(hostname, () => resolve(hostname));
    return permitted(hostname, ofFamily(addresses, family));
  });

  return {
    check(url, what) {
      if (url.protocol !== 'https:' && !(url.protocol === 'http:' && remote.protocol === 'http:')) {
        const expected = remote.protocol === 'http:' ? 'http or https' : 'https';
        throw new LarderError(
          'UPSTREAM_FORBIDDEN_ADDRESS',
          `the ${what} ${redactUrl(url)} named by ${remote.host} is not ${expected}`,
        );
      }
      const scope = literalScope(url.hostname);
      if (scope === undefined || url.hostname === remote.hostname || mayName(own, scope)) return;
      throw forbidden(`the ${what} named by ${remote.host} is`, url.hostname);
    },
    lookup(hostname, options, callback) {
      addressesOf(hostname, options.family, (error, addresses) => {
        if (error !== null || options.all === true) callback(error, addresses);
        else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
      });
    },
  };
}

/** Depth inside the network. An upstream may name addresses that are no deeper than its own. */
const DEPTH: Partial<Record<AddressScope, number>> = { public: 0, private: 1, loopback: 2 };

function mayName(own: AddressScope, scope: AddressScope): boolean {
  if (own === scope) return scope !== 'reserved';
  const [from, to] = [DEPTH[own] ?? 0, DEPTH[scope]];
  return to !== undefined && to <= from;
}

/** The outermost scope of several addresses: one private record must not open the private network. */
function widest(addresses: readonly LookupAddress[]): AddressScope {
  const scopes = addresses.map(({ address }) => addressScope(address));
  return scopes.sort((a, b) => (DEPTH[a] ?? 0) - (DEPTH[b] ?? 0))[0] ?? 'public';
}

function forbidden(subject: string, address: string): LarderError {
  return new LarderError(
    'UPSTREAM_FORBIDDEN_ADDRESS',
    `${subject} ${address}, an address inside the network; only an upstream that is inside itself may name it`,
  );
}

function ofFamily(addresses: LookupAddress[], family: unknown): LookupAddress[] {
  return family === 4 || family === 6 ? addresses.filter((entry) => entry.family === family) : addresses;
}

function resolveBySystem(hostname: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });
}
