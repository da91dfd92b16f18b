import { X509Certificate } from 'node:crypto';

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

/** Validity of a certificate. Undefined if the text is not a certificate. */
export function validityOf(pem: string): Validity | undefined {
  try {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    return { from: validFromDate.getTime(), until: validToDate.getTime() };
  } catch {
    return undefined;
  }
}
