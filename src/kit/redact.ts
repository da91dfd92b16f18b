/** A URL without user information, query and fragment: what may appear in logs and errors (signed URLs are credentials). */
export function redactUrl(url: string | URL): string {
  try {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  } catch {
    return '<unparsable URL>';
  }
}

/** What stands in place of a secret. */
export const MASK = '********';
