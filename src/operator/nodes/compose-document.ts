import { createHash } from 'node:crypto';
import type { CacheConfig } from '../../api/registry-config-effective.ts';
import { defaultRemoteUrl } from '../../api/upstream-names.ts';
import { formatAddress } from '../../kit/listen.ts';
import type { NodeDocument, NodeDocumentInput } from '../../node-agent/node-document.ts';
import { configId } from '../configs/config-id.ts';
import type { Plan, PlannedCache, PlannedMirrors } from '../configs/plan.ts';
import { PORTS } from '../render/identity.ts';

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
  /** What nodes are told now: entries of objects whose spec is invalid stay. */
  readonly before: NodeDocument;
}

/** What every node should do. The same plan gives the same document, in whatever order its objects came. */
export function composeDocument(input: DocumentInput): NodeDocumentInput {
  const { plan, bundle, before } = input;
  const isKept = ({ askedBy }: { readonly askedBy?: string | undefined }): boolean =>
    askedBy !== undefined && plan.isInvalid(askedBy);
  const caches = [
    ...[...plan.caches.values()].flatMap((cache) => cacheEntry(cache, input) ?? []),
    ...before.caches.filter(isKept),
  ].sort(byUpstream);
  const mirrors = [
    ...plan.mirrors.map((one) => mirrorEntry(one, input)),
    ...before.mirrors.filter(isKept),
  ].sort(byUpstream);
  const content = { ca: bundle, caches, mirrors };
  return { revision: revisionOf(content), ...content };
}

/** Where nodes reach a cache. */
export function endpointOf({ http }: CacheConfig, clusterIP: string): string {
  return `${http.tls ? 'https' : 'http'}://${formatAddress({ host: clusterIP, port: PORTS.registry })}`;
}

function cacheEntry(cache: PlannedCache, { addressOf }: DocumentInput) {
  const address = addressOf(cache);
  if (address === undefined) return undefined;
  const { upstream, remoteURL } = cache.config;
  return {
    upstream,
    server: remoteURL.replace(/\/+$/, ''),
    endpoint: endpointOf(cache.config, address.clusterIP),
    serverName: address.serverName,
    askedBy: configId(cache.holder),
  };
}

function mirrorEntry(planned: PlannedMirrors, { bundleOf }: DocumentInput) {
  const { upstream, hosts } = planned.mirrors;
  return {
    upstream,
    server: defaultRemoteUrl(upstream),
    hosts: hosts.map(({ host, capabilities, overridePath, caBundleSecretReferenceName: secret }) => {
      const ca = secret === undefined ? undefined : bundleOf(planned, secret);
      return {
        host,
        capabilities: [...capabilities],
        overridePath: overridePath ?? false,
        ...(ca !== undefined && { ca }),
      };
    }),
    askedBy: configId(planned.holder),
  };
}

function revisionOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
}

function byUpstream(a: { readonly upstream: string }, b: { readonly upstream: string }): number {
  return a.upstream < b.upstream ? -1 : 1;
}
