/** One link of a `Link` header (RFC 8288), by which registries page tag lists and referrers. */
export interface Link {
  /** The unchanged text between the angle brackets: absolute, or relative to the request. */
  readonly target: string;
  /** Names in lower case; for a repeated name the first value. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads a `Link` header, several lines joined by commas. Skips unreadable parts and never throws. */
export function parseLinks(header: string | undefined): Link[] {
  const links: { target: string; parameters: Map<string, string> }[] = [];
  for (const [, target, name, quoted, unquoted] of (header ?? '').matchAll(PART)) {
    if (target !== undefined) links.push({ target: target.trim(), parameters: new Map() });
    const parameters = links.at(-1)?.parameters;
    const key = name?.toLowerCase();
    if (key === undefined || parameters === undefined || parameters.has(key)) continue;
    parameters.set(key, quoted?.replaceAll(/\\(.)/gs, '$1') ?? unquoted ?? '');
  }
  return links;
}

/** The target of the first link with `next` in `rel`; undefined on the last page (distribution-spec v1.1.1, "Listing Tags"). */
export function nextLink(header: string | undefined): string | undefined {
  return parseLinks(header).find((link) => relations(link).includes('next'))?.target;
}

/** Formats a `Link` to the next page. `target` must be a percent-encoded URL or path. */
export function formatNextLink(target: string): string {
  return `<${target}>; rel="next"`;
}

/** A target in angle brackets, or a parameter: `;name`, `;name=token`, `;name="quoted"`. */
const PART = /<([^<>]*)>|;\s*([^\s;,="<>]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"<>]*)))?/gs;

function relations(link: Link): string[] {
  return (link.parameters.get('rel') ?? '').toLowerCase().split(/\s+/);
}
