import { z } from 'zod';
import { hostPortErrors } from '../api/rules/host-and-url.ts';
import { LarderError } from '../kit/errors.ts';

/** What a node should do (decision 0007). Fields of a newer operator are left out, so that agents may be older. */
export type NodeDocument = z.output<typeof DOCUMENT>;
export type NodeCache = NodeDocument['caches'][number];
export type NodeMirror = NodeDocument['mirrors'][number];
/** The same as somebody writes it: without what has a default. */
export type NodeDocumentInput = z.input<typeof DOCUMENT>;

/** Nothing to do: everything that was written is taken away. */
export const EMPTY_DOCUMENT: NodeDocument = { revision: '', ca: '', bundles: {}, caches: [], mirrors: [] };

/** Reads the document; a text of nothing but blanks is the empty one. Throws `CONFIG_INVALID` with every problem, a line each. */
export function parseNodeDocument(text: string, source: string): NodeDocument {
  if (text.trim() === '') return EMPTY_DOCUMENT;
  return checkNodeDocument(readJson(text, source), source);
}

/** The text of the document, every default written out. Throws `CONFIG_INVALID` for one that nodes would refuse. */
export function formatNodeDocument(document: NodeDocumentInput): string {
  return JSON.stringify(checkNodeDocument(document, 'node document'));
}

/** The document, every default written out. Throws `CONFIG_INVALID` with every problem, a line each. */
export function checkNodeDocument(document: unknown, source: string): NodeDocument {
  const result = DOCUMENT.safeParse(document);
  if (result.success) return result.data;
  const lines = result.error.issues.map(
    ({ path, message }) => `${source}: ${pathText(path)}${path.length === 0 ? '' : ': '}${message}`,
  );
  throw new LarderError('CONFIG_INVALID', lines.join('\n'));
}

/** A name that is a directory of certs.d, so neither `..` nor `_default`. */
const upstream = z.string().superRefine((name, context) => {
  for (const message of hostPortErrors(name)) context.addIssue({ code: 'custom', message });
});

const origin = z.string().refine(isPlainUrl(/^https?:$/, false), 'must be an http(s) URL without a path');
const mirrorUrl = z
  .string()
  .refine(
    isPlainUrl(/^https?:$/, true),
    'must be an http(s) URL without user information, query or fragment',
  );

/** Who asks for it, for the operator: nodes make nothing of it. */
const askedBy = z.string().optional();

const cache = z.object({
  upstream,
  server: origin,
  endpoint: origin,
  serverName: z.string().min(1),
  askedBy,
});

const mirrorHost = z.object({
  host: mirrorUrl,
  capabilities: z
    .array(z.enum(['pull', 'resolve']))
    .min(1)
    .default(['pull']),
  overridePath: z.boolean().default(false),
  /** One of the document's bundles, by its name. */
  ca: z.string().optional(),
});

const mirror = z.object({ upstream, server: origin, hosts: z.array(mirrorHost).min(1), askedBy });

const DOCUMENT = z
  .object({
    revision: z.string(),
    /** The authority that signs the certificates of all caches, PEM; may be empty when none is reached over TLS. */
    ca: z.string().default(''),
    /** CA bundles of mirrors, PEM, by names of no meaning: many hosts have the same, and it is large. */
    bundles: z.record(z.string(), z.string().min(1)).default({}),
    caches: z.array(cache).default([]),
    mirrors: z.array(mirror).default([]),
  })
  .superRefine(({ ca, bundles, caches, mirrors }, context) => {
    const needsCa = caches.some(({ endpoint }) => isTls(endpoint));
    if (needsCa && !ca.includes('-----BEGIN CERTIFICATE-----'))
      context.addIssue({ code: 'custom', path: ['ca'], message: 'must hold a PEM certificate' });
    const seen = new Set<string>();
    for (const [list, entries] of Object.entries({ caches, mirrors })) {
      for (const [index, entry] of entries.entries()) {
        if (seen.has(entry.upstream))
          context.addIssue({
            code: 'custom',
            path: [list, index, 'upstream'],
            message: `${entry.upstream} is listed twice`,
          });
        seen.add(entry.upstream);
      }
    }
    for (const [index, { hosts }] of mirrors.entries()) {
      // A second table of the same name makes the whole file unreadable to containerd.
      if (new Set(hosts.map(({ host }) => host)).size < hosts.length)
        context.addIssue({
          code: 'custom',
          path: ['mirrors', index, 'hosts'],
          message: 'a host is listed twice',
        });
      for (const [place, { ca: name }] of hosts.entries()) {
        if (name !== undefined && !Object.hasOwn(bundles, name))
          context.addIssue({
            code: 'custom',
            path: ['mirrors', index, 'hosts', place, 'ca'],
            message: 'must be the name of one of the bundles',
          });
      }
    }
  });

/** Whether a cache is reached over TLS. */
function isTls(endpoint: string): boolean {
  return URL.parse(endpoint)?.protocol === 'https:';
}

function readJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes the text, and that holds keys of nobody's choosing.
    throw new LarderError('CONFIG_INVALID', `${source}: must be a JSON document`, { cause: error });
  }
}

function isPlainUrl(scheme: RegExp, withPath: boolean): (text: string) => boolean {
  return (text) => {
    const url = URL.parse(text);
    if (url === null || !scheme.test(url.protocol) || /[\s"\\?#]/.test(text)) return false;
    return url.username + url.password === '' && (withPath || url.pathname === '/');
  };
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : `${text}${text === '' ? '' : '.'}${String(part)}`,
    '',
  );
}
