import { z } from 'zod';
import { hostPortErrors } from '../api/rules/host-and-url.ts';
import { LarderError } from '../kit/errors.ts';
import { parseJson } from '../kit/json.ts';

/** Everything a node should do (decision 0007). Unknown fields are dropped, so an agent may be older than the operator. */
export type NodeDocument = z.output<typeof DOCUMENT>;
export type NodeCache = NodeDocument['caches'][number];
export type NodeMirror = NodeDocument['mirrors'][number];
/** The same as written, where fields with a default may be missing. */
export type NodeDocumentInput = z.input<typeof DOCUMENT>;

/** Nothing to do: the agent removes everything it wrote. */
export const EMPTY_DOCUMENT: NodeDocument = { revision: '', ca: '', bundles: {}, caches: [], mirrors: [] };

/** Reads the document. A blank text is the empty document. Throws `CONFIG_INVALID` with one line per problem. */
export function parseNodeDocument(text: string, source: string): NodeDocument {
  if (text.trim() === '') return EMPTY_DOCUMENT;
  return checkNodeDocument(readJson(text, source), source);
}

/** Text of the document with every default written out. Throws `CONFIG_INVALID` for a document that nodes would refuse. */
export function formatNodeDocument(document: NodeDocumentInput): string {
  return JSON.stringify(checkNodeDocument(document, 'node document'));
}

/** The document with every default written out. Throws `CONFIG_INVALID` with one line per problem. */
export function checkNodeDocument(document: unknown, source: string): NodeDocument {
  const result = DOCUMENT.safeParse(document);
  if (result.success) return result.data;
  const lines = result.error.issues.map(
    ({ path, message }) => `${source}: ${pathText(path)}${path.length === 0 ? '' : ': '}${message}`,
  );
  throw new LarderError('CONFIG_INVALID', lines.join('\n'));
}

/** Directory name in certs.d, so neither `..` nor `_default`. */
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

/** Owner of the entry, for the operator alone. Nodes ignore it. */
const owner = z.string().optional();

const cache = z.object({
  upstream,
  server: origin,
  endpoint: origin,
  serverName: z.string().min(1),
  askedBy: owner,
});

const mirrorHost = z.object({
  host: mirrorUrl,
  capabilities: z
    .array(z.enum(['pull', 'resolve']))
    .min(1)
    .default(['pull']),
  overridePath: z.boolean().default(false),
  /** Name of one of the document's bundles. */
  ca: z.string().optional(),
});

const mirror = z.object({ upstream, server: origin, hosts: z.array(mirrorHost).min(1), askedBy: owner });

const DOCUMENT = z
  .object({
    revision: z.string(),
    /** CA that signs the certificates of all caches, PEM. May be empty if no cache uses TLS. */
    ca: z.string().default(''),
    /** CA bundles of mirrors, PEM, under arbitrary names. Many hosts share one, and a bundle is large. */
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

function isTls(endpoint: string): boolean {
  return URL.parse(endpoint)?.protocol === 'https:';
}

function readJson(text: string, source: string): unknown {
  const value = parseJson(text);
  if (value === undefined) throw new LarderError('CONFIG_INVALID', `${source}: must be a JSON document`);
  return value;
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
