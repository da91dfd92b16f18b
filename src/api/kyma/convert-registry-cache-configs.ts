import { stringify } from 'yaml';
import { z } from 'zod';
import { readYamlText } from '../../kit/document/yaml-text.ts';
import { yamlDocuments } from '../../kit/document/yaml-documents.ts';
import { parseRegistryConfig } from '../registry-config/parse.ts';
import {
  objectId,
  sharedUpstreamMessage,
  sharedUpstreams,
  type NamingObject,
} from '../rules/shared-upstreams.ts';
import { API_VERSION, KIND } from '../registry-config/schema.ts';

/** Objects of Kyma's module `registry-cache` 1.0.2, one upstream each. */
const KYMA_API_VERSION = 'core.kyma-project.io/v1beta1';
const KYMA_KIND = 'RegistryCacheConfig';

interface Fields {
  readonly [name: string]: Fields | true;
}

/** Fields of the spec with the same meaning in a cache of a `RegistryConfig`. */
const KNOWN: Fields = {
  upstream: true,
  remoteURL: true,
  volume: { size: true, storageClassName: true },
  garbageCollection: { ttl: true },
  secretReferenceName: true,
  proxy: { httpProxy: true, httpsProxy: true },
  http: { tls: true },
};

const TEXTS = z.record(z.string(), z.string());
const OBJECT = z.object({
  metadata: z.object({
    name: z.string().min(1),
    namespace: z.string().min(1).optional(),
    labels: TEXTS.optional(),
    annotations: TEXTS.optional(),
  }),
  spec: z.record(z.string(), z.unknown()),
});

/** Annotation with the former object, which is not the one that is made. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export interface KymaText {
  /** Name for people, such as a file's. */
  readonly source: string;
  readonly text: string;
}

export interface Converted {
  /** `RegistryConfig` objects as YAML documents. Empty if there is a problem. */
  readonly output: string;
  /** Fields without a counterpart, and upstreams that several objects name, a line each. */
  readonly notes: readonly string[];
  /** Reasons why nothing was made, a line each. */
  readonly problems: readonly string[];
}

/**
 * Turns `RegistryCacheConfig` objects of Kyma into `RegistryConfig` objects with the same name, namespace, labels and Secret. Reads several documents
 * and lists, as kubectl prints them. What is made obeys all rules for such objects; what cannot is a problem, and then nothing is made.
 */
export function convertRegistryCacheConfigs(texts: readonly KymaText[]): Converted {
  const notes: string[] = [];
  const problems: string[] = [];
  const objects: NamingObject[] = [];
  const made = texts.flatMap(({ source, text }) => {
    const documents = yamlDocuments(text);
    return documents.flatMap((document, index) => {
      const place = documents.length === 1 ? source : `${source}, document ${index + 1}`;
      const read = readYamlText(document);
      if (read.problems.length > 0) {
        problems.push(...read.problems.map((problem) => `${place}: ${problem.text}`));
        return [];
      }
      return itemsOf(read.value).flatMap((item) => convert(item, place) ?? []);
    });
  });
  if (problems.length === 0 && made.length === 0) problems.push(`${texts[0]?.source ?? '-'}: has no object`);
  notes.push(...sharedUpstreams(objects).map(sharedUpstreamMessage));
  const output = problems.length > 0 ? '' : made.map((one) => `---\n${stringify(one)}`).join('');
  return { output, notes, problems };

  function convert(item: unknown, source: string): object | undefined {
    const { apiVersion, kind } = (item ?? {}) as { readonly apiVersion?: unknown; readonly kind?: unknown };
    if (apiVersion !== KYMA_API_VERSION || kind !== KYMA_KIND) {
      problems.push(
        `${source}: expected a ${KYMA_KIND} of ${KYMA_API_VERSION}, found ${shown(kind)} of ${shown(apiVersion)}`,
      );
      return undefined;
    }
    const parsed = OBJECT.safeParse(item);
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues)
        problems.push(`${source}: ${KYMA_KIND}: ${path.join('.')}: ${message}`);
      return undefined;
    }
    const { metadata, spec } = parsed.data;
    const place = `${source}: ${KYMA_KIND} ${[metadata.namespace, metadata.name].filter(Boolean).join('/')}`;
    const { known, others } = split(spec, KNOWN, 'spec');
    for (const path of others) notes.push(`${place}: ${path} has no counterpart and is left out`);
    const caches = [known];
    const result = parseRegistryConfig(
      { apiVersion: API_VERSION, kind: KIND, caches },
      { pathPrefix: 'spec' },
    );
    if (!result.ok) {
      for (const { text } of result.problems)
        problems.push(`${place}: ${text.replaceAll('spec.caches[0].', 'spec.')}`);
      return undefined;
    }
    const upstreams = result.config.caches.map(({ upstream }) => upstream);
    objects.push({ id: objectId(KIND, metadata), place: source, upstreams });
    const {
      name,
      namespace,
      labels,
      annotations: { [LAST_APPLIED]: _former, ...annotations } = {},
    } = metadata;
    return withoutUndefined({
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: {
        name,
        namespace,
        labels,
        annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
      },
      spec: { caches },
    });
  }
}

/** Objects in a document: those of a list, or the document itself. */
function itemsOf(value: unknown): readonly unknown[] {
  const { kind, items } = (value ?? {}) as { readonly kind?: unknown; readonly items?: unknown };
  const isList = kind === 'List' || kind === `${KYMA_KIND}List`;
  return isList && Array.isArray(items) ? items : [value];
}

/** Splits a map into the fields that are known, and the paths of all others. What is no map stays as it is. */
function split(value: object, fields: Fields, path: string): { known: object; others: readonly string[] } {
  const others: string[] = [];
  const known = Object.entries(value).flatMap(([name, one]: [string, unknown]) => {
    const below = `${path}.${name}`;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) {
      others.push(below);
      return [];
    }
    if (field === true || typeof one !== 'object' || one === null || Array.isArray(one)) return [[name, one]];
    const inner = split(one, field, below);
    others.push(...inner.others);
    return [[name, inner.known]];
  });
  return { known: Object.fromEntries(known) as object, others };
}

function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function shown(value: unknown): string {
  return typeof value === 'string' && value !== '' ? `"${value}"` : 'none';
}
