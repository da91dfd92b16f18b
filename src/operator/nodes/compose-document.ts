import { createHash } from 'node:crypto';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { defaultRemoteUrl, upstreamResourceName } from '../../api/rules/upstream-names.ts';
import { formatAddress } from '../../kit/listen.ts';
import type { NodeCache, NodeDocument, NodeMirror } from '../../fleet/node-document.ts';
import { configId } from '../cluster/config-id.ts';
import type { Plan, PlannedCache, PlannedMirrors } from '../configs/plan.ts';
import { PORTS } from '../render/cache-names.ts';
import { fillDocument, type EntryCandidate } from './fill-document.ts';

export interface DocumentInput {
  readonly plan: Plan;
  /** Certificates of the authorities that nodes trust, PEM. */
  readonly bundle: string;
  /** The address of a cache's Service, once it has one and what nodes need to trust it; undefined before. */
  readonly addressOf: (
    cache: PlannedCache,
  ) => { readonly clusterIP: string; readonly serverName: string } | undefined;
  /** The CA bundle in a Secret of the mirrors' object; undefined where it cannot be used. */
  readonly bundleOf: (mirrors: PlannedMirrors, secretName: string) => string | undefined;
  /** True while a Secret that the mirrors need cannot be read: what nodes were told of them stays. */
  readonly isUnread: (mirrors: PlannedMirrors) => boolean;
  /** What nodes are told now: entries of objects whose spec is invalid stay. */
  readonly before: NodeDocument;
}

export interface ComposedDocument {
  readonly document: NodeDocument;
  /** Why nodes are not told of an upstream, a sentence each. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/**
 * What every node should do, as far as there is room: what stays of invalid objects comes first, since nothing else remembers it, then what
 * objects ask for, the oldest first. The same plan gives the same document, in whatever order its objects came.
 */
export function composeDocument(input: DocumentInput): ComposedDocument {
  const { plan, bundle, before } = input;
  const owned = new Set([...plan.caches.keys(), ...plan.mirrors.map((one) => keyOf(one.mirrors))]);
  const isKept = (entry: NodeEntry): boolean =>
    entry.askedBy !== undefined && plan.isInvalid(entry.askedBy) && !owned.has(keyOf(entry));
  const kept: EntryCandidate[] = [
    ...before.caches.filter(isKept).map((entry): EntryCandidate => ({ list: 'caches', entry })),
    ...before.mirrors.filter(isKept).map((entry) => mirrorCandidate(entry, before.bundles)),
  ];
  const planned = [...plan.caches.values(), ...plan.mirrors]
    .toSorted((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1))
    .flatMap((one) => ('mirrors' in one ? mirrorsOf(one, input) : cacheOf(one, input)) ?? []);
  const { content, leftOut } = fillDocument(bundle, [...kept, ...planned]);
  return { document: { revision: revisionOf(content), ...content }, leftOut };
}

/** Where nodes reach a cache. */
export function endpointOf({ http }: CacheConfig, clusterIP: string): string {
  return `${http.tls ? 'https' : 'http'}://${formatAddress({ host: clusterIP, port: PORTS.registry })}`;
}

type NodeEntry = NodeCache | NodeMirror;

function keyOf({ upstream }: { readonly upstream: string }): string {
  return upstreamResourceName(upstream);
}

/** Texts in the order of age; of one object in that of the upstreams. */
function ageOf(planned: PlannedCache | PlannedMirrors): string {
  const { upstream } = 'mirrors' in planned ? planned.mirrors : planned.config;
  const { owner } = planned;
  return `${owner.metadata.creationTimestamp ?? ''} ${configId(owner)} ${upstream}`;
}

function cacheOf(cache: PlannedCache, { addressOf }: DocumentInput): EntryCandidate | undefined {
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

function mirrorsOf(planned: PlannedMirrors, input: DocumentInput): EntryCandidate | undefined {
  const { upstream, hosts } = planned.mirrors;
  const askedBy = configId(planned.owner);
  if (input.isUnread(planned)) {
    const { mirrors, bundles } = input.before;
    const told = mirrors.find((entry) => entry.upstream === upstream && entry.askedBy === askedBy);
    return told && mirrorCandidate(told, bundles);
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
    askedBy,
  };
  return { list: 'mirrors', entry, bundles };
}

function mirrorCandidate(entry: NodeMirror, bundles: NodeDocument['bundles']): EntryCandidate {
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
