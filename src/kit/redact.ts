/** A URL for logs and errors: without user information, query and fragment, because signed URLs are credentials. */
export function redactUrl(url: string | URL): string {
  try {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  } catch {
    return '<unparsable URL>';
  }
}

/** Replaces a secret in printed text. */
export const MASK = '********';
