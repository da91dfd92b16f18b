import { createHash } from 'node:crypto';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { defaultRemoteUrl, upstreamResourceName } from '../../api/rules/upstream-names.ts';
import { formatAddress } from '../../kit/listen.ts';
import type { NodeCache, NodeDocument, NodeMirror } from '../../fleet/node-document.ts';
import { configId } from '../cluster/config-id.ts';
import type { Plan, PlannedCache, PlannedMirrors } from '../configs/plan.ts';
import { PORTS } from '../render/cache-names.ts';
import { fitDocument, type EntryCandidate } from './fit-document.ts';

export interface DocumentInput {
  readonly plan: Plan;
  /** Certificates of the authorities that nodes trust for caches, PEM. */
  readonly bundle: string;
  /** Address of a cache's Service. Undefined until it has one, and a certificate that nodes trust. */
  readonly addressOf: (
    cache: PlannedCache,
  ) => { readonly clusterIP: string; readonly serverName: string } | undefined;
  /** CA bundle in a Secret of the mirrors' owner. Undefined if it cannot be used. */
  readonly bundleOf: (mirrors: PlannedMirrors, secretName: string) => string | undefined;
  /** True while a Secret of the mirrors cannot be read. Their published entry stays. */
  readonly isUnread: (mirrors: PlannedMirrors) => boolean;
  /** The currently published document. Entries of objects with an invalid spec stay. */
  readonly before: NodeDocument;
}

export interface ComposedDocument {
  readonly document: NodeDocument;
  /** Reason, a sentence, for each upstream that is not published. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/**
 * Composes the document of all nodes, as far as there is room. Entries of invalid objects come first, because they are kept nowhere else.
 * Then come planned upstreams, those of the oldest object first. The same plan gives the same document, in any order of objects.
 */
export function composeDocument(input: DocumentInput): ComposedDocument {
  const { plan, bundle, before } = input;
  const owned = new Set([...plan.caches.keys(), ...plan.mirrors.map((one) => cacheKeyOf(one.mirrors))]);
  const isKept = (entry: NodeEntry): boolean =>
    entry.askedBy !== undefined &&
    plan.isInvalid(entry.askedBy) &&
    !owned.has(cacheKeyOf(entry)) &&
    !plan.taken.has(entry.upstream);
  const kept: EntryCandidate[] = [
    ...before.caches.filter(isKept).map((entry): EntryCandidate => ({ list: 'caches', entry })),
    ...before.mirrors.filter(isKept).map((entry) => withBundles(entry, before.bundles)),
  ];
  const planned = [...plan.caches.values(), ...plan.mirrors]
    .toSorted((a, b) => (sortKeyOf(a) < sortKeyOf(b) ? -1 : 1))
    .flatMap((one) => ('mirrors' in one ? mirrorsCandidate(one, input) : cacheCandidate(one, input)) ?? []);
  const { content, leftOut } = fitDocument(bundle, [...kept, ...planned]);
  return { document: { revision: revisionOf(content), ...content }, leftOut };
}

/** URL at which nodes reach a cache. */
export function endpointOf({ http }: CacheConfig, clusterIP: string): string {
  return `${http.tls ? 'https' : 'http'}://${formatAddress({ host: clusterIP, port: PORTS.registry })}`;
}

type NodeEntry = NodeCache | NodeMirror;

function cacheKeyOf({ upstream }: { readonly upstream: string }): string {
  return upstreamResourceName(upstream);
}

/** Sort key: creation time, object, upstream. */
function sortKeyOf(planned: PlannedCache | PlannedMirrors): string {
  const { upstream } = 'mirrors' in planned ? planned.mirrors : planned.config;
  const { owner } = planned;
  return `${owner.metadata.creationTimestamp ?? ''} ${configId(owner)} ${upstream}`;
}

function cacheCandidate(cache: PlannedCache, { addressOf }: DocumentInput): EntryCandidate | undefined {
  const address = addressOf(cache);
  if (address === undefined) return undefined;
  const { upstream, remoteURL } = cache.config;
  const entry = {
    upstream,
    server: remoteURL.replace(/\/+$/, ''),
    endpoint: endpointOf(cache.config, address.clusterIP),
    serverName: address.serverName,
    askedBy: configId(cache.owner),
  };
  return { list: 'caches', entry };
}

function mirrorsCandidate(planned: PlannedMirrors, input: DocumentInput): EntryCandidate | undefined {
  const { upstream, hosts } = planned.mirrors;
  const owner = configId(planned.owner);
  if (input.isUnread(planned)) {
    const { mirrors, bundles } = input.before;
    const published = mirrors.find((entry) => entry.upstream === upstream && entry.askedBy === owner);
    return published && withBundles(published, bundles);
  }
  const bundles: Record<string, string> = {};
  const entry = {
    upstream,
    server: defaultRemoteUrl(upstream),
    hosts: hosts.map(({ host, capabilities, overridePath, caBundleSecretReferenceName: secret }) => {
      const pem = secret === undefined ? undefined : input.bundleOf(planned, secret);
      const ca = pem === undefined ? undefined : hashOf(pem).slice(0, 32);
      if (pem !== undefined && ca !== undefined) bundles[ca] = pem;
      return {
        host,
        capabilities: [...capabilities],
        overridePath: overridePath ?? false,
        ...(ca !== undefined && { ca }),
      };
    }),
    askedBy: owner,
  };
  return { list: 'mirrors', entry, bundles };
}

function withBundles(entry: NodeMirror, bundles: NodeDocument['bundles']): EntryCandidate {
  const names = entry.hosts.flatMap(({ ca }) => ca ?? []);
  return {
    list: 'mirrors',
    entry,
    bundles: Object.fromEntries(names.map((name) => [name, bundles[name] ?? ''])),
  };
}

function revisionOf(content: object): string {
  return hashOf(JSON.stringify(content)).slice(0, 16);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
