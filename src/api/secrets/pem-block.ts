import { withoutEnd } from '../../kit/without-end.ts';

/** A PEM block (RFC 7468), without its headers. */
export interface PemBlock {
  readonly label: string;
  readonly content: Buffer;
}

/**
 * Finds the first PEM block as Go's `encoding/pem` does (https://pkg.go.dev/encoding/pem#Decode). A block is passed over if its lines do
 * not begin and end with their dashes, if its labels differ, or if its content is not base64. Undefined without a block.
 */
export function firstPemBlock(text: string): PemBlock | undefined {
  let label: string | undefined;
  let hasHeaders = false;
  let body: string[] = [];
  for (const line of text.split('\n').map((raw) => withoutEnd(raw.replace(/\r$/, ''), ' \t'))) {
    if (line.includes(BEGIN)) {
      label =
        line.startsWith(BEGIN) && line.endsWith(DASHES)
          ? line.slice(BEGIN.length, -DASHES.length)
          : undefined;
      [hasHeaders, body] = [false, []];
    } else if (line.startsWith(END)) {
      const content =
        line === `${END}${label}${DASHES}` && (body.length > 0 || !hasHeaders) ? base64(body) : undefined;
      if (label !== undefined && content !== undefined) return { label, content };
      label = undefined;
    } else if (body.length === 0 && line.includes(':')) {
      hasHeaders = true;
    } else {
      body.push(line);
    }
  }
  return undefined;
}

/** Finds the certificates of a bundle, each from its first dash to its last. Takes linear time for any text. */
export function pemCertificates(bundle: string): string[] {
  const found: string[] = [];
  let start = bundle.indexOf(BEGIN_CERTIFICATE);
  while (start >= 0) {
    const last = bundle.indexOf(END_CERTIFICATE, start + BEGIN_CERTIFICATE.length);
    if (last < 0) break;
    found.push(bundle.slice(start, last + END_CERTIFICATE.length));
    start = bundle.indexOf(BEGIN_CERTIFICATE, last);
  }
  return found;
}

const BEGIN_CERTIFICATE = '-----BEGIN CERTIFICATE-----';
const END_CERTIFICATE = '-----END CERTIFICATE-----';
const DASHES = '-----';
const BEGIN = '-----BEGIN ';
const END = '-----END ';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function base64(lines: readonly string[]): Buffer | undefined {
  const text = lines.join('').replaceAll(/[ \t\r]/g, '');
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}
