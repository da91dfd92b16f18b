/**
 * A certificate authority for tests, made with nothing but node:crypto: X.509 v3 (RFC 5280) with P-256 keys, written in
 * DER by hand. Good for loopback servers, nothing else.
 */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

/** Flaws of a server's certificate: unknown signer, past its end, for another name. */
export type CertificateFlaw = 'untrusted' | 'expired' | 'wrong-name';

export interface TestPki {
  /** The authority's certificate, which clients must trust. */
  readonly caPem: string;
  /** Key and certificate of a server, with a flaw on demand. Made at the first call and remembered. */
  server(flaw?: CertificateFlaw): KeyPair;
  /** Key and certificate of a client, a new one at each call. A server that trusts the authority reads the client's name from it. */
  client(subject: Subject): KeyPair;
}

/** Both PEM; the key in PKCS #8. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
}

/** An authority whose server certificates are for `names` (DNS names and IP addresses). */
export function createTestPki(names: readonly string[] = LOOPBACK): TestPki {
  const authority = createAuthority();
  const made = new Map<CertificateFlaw | undefined, KeyPair>();
  return {
    caPem: authority.pem,
    server(flaw) {
      let pair = made.get(flaw);
      if (!pair) {
        pair = issueToServer(flaw === 'untrusted' ? createAuthority() : authority, {
          names: flaw === 'wrong-name' ? ['elsewhere.example'] : names,
          days: flaw === 'expired' ? -1 : 365,
        });
        made.set(flaw, pair);
      }
      return pair;
    },
    client: (subject) => issue(authority, subject, 365, [extendedKeyUsage(CLIENT_AUTH)]),
  };
}

const LOOPBACK = ['localhost', '127.0.0.1', '127.0.0.2', '127.0.0.3', '::1'];

interface Authority {
  /** A name of its own: a client that trusts two authorities finds them by name. */
  readonly name: string;
  readonly key: KeyObject;
  readonly pem: string;
}

function createAuthority(): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // basicConstraints CA:TRUE; keyUsage keyCertSign and cRLSign. Both critical.
  const extensions = [
    extension('551d13', sequence(der(0x01, Buffer.from([0xff]))), true),
    extension('551d0f', der(0x03, Buffer.from([0x01, 0x06])), true),
  ];
  const name = `Larder test authority ${randomBytes(4).toString('hex')}`;
  const self = { name, key: privateKey };
  return { ...self, pem: certificate({ commonName: name }, publicKey, self, 365, extensions) };
}

function issueToServer(
  authority: Authority,
  { names, days }: { names: readonly string[]; days: number },
): KeyPair {
  const subjectAltNames = extension('551d11', sequence(...names.map(generalName)));
  const subject = { commonName: names[0] ?? 'localhost' };
  return issue(authority, subject, days, [subjectAltNames, extendedKeyUsage(SERVER_AUTH)]);
}

function issue(authority: Authority, subject: Subject, days: number, extensions: readonly Buffer[]): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: certificate(subject, publicKey, authority, days, extensions),
  };
}

/** RFC 5280 section 4.1. Valid from two days ago until `days` from now. */
function certificate(
  subject: Subject,
  subjectKey: KeyObject,
  issuer: Pick<Authority, 'name' | 'key'>,
  days: number,
  extensions: readonly Buffer[],
): string {
  const algorithm = sequence(der(0x06, ECDSA_WITH_SHA256));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    algorithm,
    distinguishedName({ commonName: issuer.name }),
    sequence(time(-2), time(days)),
    distinguishedName(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuer.key);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex');
/** 2.5.4.3 and 2.5.4.10 */
const COMMON_NAME = Buffer.from('550403', 'hex');
const ORGANIZATION = Buffer.from('55040a', 'hex');

function distinguishedName({ commonName, organization }: Subject): Buffer {
  const attribute = (type: Buffer, value: string): Buffer =>
    der(0x31, sequence(der(0x06, type), der(0x0c, Buffer.from(value))));
  return sequence(
    ...(organization === undefined ? [] : [attribute(ORGANIZATION, organization)]),
    attribute(COMMON_NAME, commonName),
  );
}

/** 1.3.6.1.5.5.7.3.1 and .2 */
const SERVER_AUTH = Buffer.from('2b06010505070301', 'hex');
const CLIENT_AUTH = Buffer.from('2b06010505070302', 'hex');

function extendedKeyUsage(purpose: Buffer): Buffer {
  return extension('551d25', sequence(der(0x06, purpose)));
}

function extension(oidHex: string, value: Buffer, critical = false): Buffer {
  const flag = critical ? [der(0x01, Buffer.from([0xff]))] : [];
  return sequence(der(0x06, Buffer.from(oidHex, 'hex')), ...flag, der(0x04, value));
}

function generalName(name: string): Buffer {
  switch (isIP(name)) {
    case 4:
      return der(0x87, Buffer.from(name.split('.').map(Number)));
    case 6:
      if (name !== '::1')
        throw new Error(`the test certificates know no IPv6 address but ::1, found ${name}`);
      return der(0x87, Buffer.from('1'.padStart(32, '0'), 'hex'));
    default:
      return der(0x82, Buffer.from(name));
  }
}

/** UTCTime, which is right until 2049. */
function time(daysFromNow: number): Buffer {
  const iso = new Date(Date.now() + daysFromNow * 86_400_000).toISOString();
  return der(0x17, Buffer.from(`${iso.slice(2, 19).replace(/[-:T]/g, '')}Z`));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** Tag, length, value. */
function der(tag: number, value: Buffer): Buffer {
  const length =
    value.length < 0x80
      ? [value.length]
      : value.length < 0x100
        ? [0x81, value.length]
        : [0x82, value.length >> 8, value.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), value]);
}
