import { BlockList, isIP } from 'node:net';

/** Reach of an IP address. `reserved` is never the address of a registry: multicast, broadcast, 6to4. */
export type AddressScope = 'public' | 'private' | 'loopback' | 'link-local' | 'reserved';

/** The scope of an IPv4 or IPv6 address, IPv4 inside IPv6 included (RFC 6890 and the registries it founds). */
export function addressScope(address: string): AddressScope {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 0) return 'reserved';
  const translated = family === 6 ? nat64(plain) : undefined;
  if (translated !== undefined) return addressScope(translated);
  const found = LISTS.find(([, list]) => list.check(plain, family === 6 ? 'ipv6' : 'ipv4'));
  return found?.[0] ?? 'public';
}

/** The scope of a URL's host that needs no name resolution; undefined for any other name. */
export function literalScope(hostname: string): AddressScope | undefined {
  const name = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIP(name) !== 0) return addressScope(name);
  // RFC 6761, section 6.3.
  return name === 'localhost' || name.endsWith('.localhost') ? 'loopback' : undefined;
}

/** Unspecified addresses are loopback, because Linux connects 0.0.0.0 and :: to the machine itself. */
const LISTS: readonly (readonly [AddressScope, BlockList])[] = [
  ['loopback', networks('127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128')],
  ['link-local', networks('169.254.0.0/16', 'fe80::/10')],
  ['private', networks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10')],
  // Networks of carriers and laboratories are inside something, too.
  ['private', networks('100.64.0.0/10', '198.18.0.0/15')],
  ['reserved', networks('192.0.0.0/24', '224.0.0.0/3', '2002::/16', 'ff00::/8')],
];

function networks(...subnets: string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** The IPv4 address in a NAT64 one (RFC 6052, well-known prefix). Behind DNS64 every IPv4 registry has such an address. */
function nat64(address: string): string | undefined {
  const canonical = new URL(`http://[${address}]`).hostname;
  const match = /^\[64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})\]$/.exec(canonical);
  if (match === null) return undefined;
  const [high, low] = [match[1] ?? '0', match[2] ?? '0'].map((group) => Number.parseInt(group, 16)) as [
    number,
    number,
  ];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
