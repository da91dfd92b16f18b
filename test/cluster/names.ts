import { fileURLToPath } from 'node:url';
import type { Place } from '../kit/place.ts';
import { startDaemon, type Daemon } from '../parts/daemon.ts';
import { needPart } from '../parts/find.ts';
import { NODE_ADDRESS } from './node-files.ts';

const NAME_SERVER = fileURLToPath(new URL('name-server.ts', import.meta.url));

/** Names of servers, each with an address of its own on the node, so that all of them can use the default port. */
export type Names = ReadonlyMap<string, string>;

/** Assigns each name an address next to {@link NODE_ADDRESS}. */
export function addressesFor(names: readonly string[]): Names {
  const network = NODE_ADDRESS.replace(/\d+$/, '');
  return new Map(names.map((name, index) => [name, `${network}${11 + index}`]));
}

/** Commands that give the node these addresses, and make it use the server of {@link startNameServer}. */
export function namesOfTheNode(names: Names): string[] {
  const ip = needPart('ip');
  return [
    ...[...names.values()].map((address) => `${ip} address add ${address}/24 dev node0`),
    'rm -f /etc/resolv.conf',
    `echo nameserver ${NODE_ADDRESS} >/etc/resolv.conf`,
  ];
}

/** Starts the name server of the node and its pods. */
export function startNameServer(names: Names, place: Place): Promise<Daemon> {
  return startDaemon({
    name: 'the name server',
    command: process.execPath,
    args: [NAME_SERVER, NODE_ADDRESS, ...[...names].map((pair) => pair.join('='))],
    ready: /the name server listens/,
    place,
  });
}
