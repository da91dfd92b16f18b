/**
 * `name-server.ts ADDRESS NAME=ADDRESS...`: a name server (RFC 1035) at port 53 that knows these names and their IPv4 addresses. For
 * every other name it answers that the name does not exist.
 */
import { createSocket } from 'node:dgram';

const [address, ...pairs] = process.argv.slice(2);
const addresses = new Map(pairs.map((pair) => pair.split('=') as [string, string]));

const HEADER_BYTES = 12;
const TYPE_A = 1;
const NO_SUCH_NAME = 3;
const TTL_SECONDS = 5;

const socket = createSocket('udp4');
socket.on('message', (query, client) => socket.send(answer(query), client.port, client.address));
socket.bind(53, address, () => console.log('the name server listens'));

function answer(query: Buffer): Buffer {
  const { name, type, end } = questionOf(query);
  const found = addresses.get(name.toLowerCase());
  const records = found !== undefined && type === TYPE_A ? [recordOf(found)] : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2); // id of the query
  // Flags: authoritative answer, with "recursion desired" as in the query.
  header.writeUInt16BE(
    0x8400 | (query.readUInt16BE(2) & 0x0100) | (found === undefined ? NO_SUCH_NAME : 0),
    2,
  );
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...records]);
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** Resource record for the name of the question, to which its first two bytes point. */
function recordOf(ip: string): Buffer {
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, TTL_SECONDS, 0, 4, 0, 0, 0, 0]);
  Buffer.from(ip.split('.').map(Number)).copy(record, HEADER_BYTES);
  return record;
}
