/** One challenge of a `WWW-Authenticate` header (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case, in their order; for a repeated name the first value. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads the lines of `WWW-Authenticate`, each with one challenge or several. Some registries do not quote values, so an unquoted
 * value reaches to the next comma or space, whatever is in it. Skips unreadable parts and never throws.
 */
export function parseChallenges(lines: readonly string[]): Challenge[] {
  return lines.flatMap(parseLine);
}

/**
 * Formats a challenge as one header line. Quotes every value, because containerd stops reading an unquoted realm at its first `:`
 * (core/remotes/docker/auth/parse.go, `expectTokenOrQuoted`).
 */
export function formatChallenge({ scheme, parameters }: Challenge): string {
  const name = scheme.charAt(0).toUpperCase() + scheme.slice(1);
  const list = [...parameters].map(([key, value]) => `${key}="${quotable(value)}"`);
  return list.length === 0 ? name : `${name} ${list.join(',')}`;
}

const SEPARATORS = /[\s,]*/y;
const SPACE = /[ \t]*/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
/** Text that schemes such as Negotiate have instead of parameters (RFC 9110, section 11.2). */
const TOKEN68 = /[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;
const QUOTED = /"((?:[^"\\]|\\.)*)(?:"|\\?$)/sy;
const UNQUOTED = /[^\s,]*/y;
const JUNK = /[^,]*/y;

function parseLine(line: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  function take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match !== null) at = pattern.lastIndex;
    return match;
  }

  for (take(SEPARATORS); at < line.length; take(SEPARATORS)) {
    const token = take(TOKEN)?.[0].toLowerCase();
    if (token === undefined) {
      take(JUNK);
      continue;
    }
    const end = at;
    take(SPACE);
    if (line[at] !== '=') {
      at = end;
      challenges.push({ scheme: token, parameters: new Map() });
      take(TOKEN68);
      continue;
    }
    at += 1;
    take(SPACE);
    const value = take(QUOTED)?.[1]?.replaceAll(/\\(.)/gs, '$1') ?? take(UNQUOTED)?.[0] ?? '';
    const parameters = challenges.at(-1)?.parameters;
    if (parameters?.has(token) === false) parameters.set(token, value);
  }
  return challenges;
}

/** Escapes a value, and removes control characters and everything beyond Latin-1, which no header line may hold. */
function quotable(value: string): string {
  return value.replaceAll(/[^\x20-\x7e\x80-\xff]/g, '').replaceAll(/["\\]/g, '\\$&');
}
