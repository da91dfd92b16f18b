import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';
import { registryConfigSchema, type CacheDocument } from '../../src/api/registry-config/schema.ts';
import { upstreamResourceName } from '../../src/api/rules/upstream-names.ts';
import { cacheServices } from '../../src/gardener/caches/cache-services.ts';
import { cachesComponent } from '../../src/gardener/caches/caches-component.ts';
import { referencedCopies } from '../../src/gardener/caches/referenced-secrets.ts';
import { servicesComponent } from '../../src/gardener/caches/services-component.ts';
import type { Component } from '../../src/gardener/managed-resources/component.ts';
import { isLarderError } from '../../src/kit/errors.ts';
import type { Service } from '../../src/operator/cluster/resources.ts';
import { validRegistryConfig } from '../api/registry-configs.ts';
import { manifestsIn } from './described-objects.ts';

const NAMESPACE = 'shoot--project--name';

/** The messages with which rendering may end. */
const STATED_ERRORS = [
  /^duplicate filename in registry: "/,
  /^secret for upstream .+ not found$/s,
  /^failed to compute resources for upstream .*: failed to find referenced resource with name .* and kind Secret$/s,
  /^failed to compute resources for upstream .*: failed to read referenced secret ref-.+ for reference .*$/s,
  /^not all services for all configured caches exist$/,
];

/** All Secrets that the documents of the generator name, in both forms of a login. */
const login = fc.oneof(
  fc.record({ username: fc.string({ unit: 'binary' }), password: fc.string({ unit: 'binary' }) }),
  fc.record({ '.dockerconfigjson': fc.json() }),
);

const rendering = fc.record({
  document: validRegistryConfig,
  login,
  hasAutoscaler: fc.boolean(),
  /** Leaves out every so many references, copies and certificates; 0: none. */
  gaps: fc.nat(3),
});

type Rendering = typeof rendering extends fc.Arbitrary<infer Value> ? Value : never;

/** Renders everything for a document, as a reconcile does. */
function render({ document, login, hasAutoscaler, gaps }: Rendering): Component[] {
  const { caches } = registryConfigSchema.parse(document);
  const services = servicesComponent(NAMESPACE, caches);
  const live = manifestsIn(services)
    .filter(isThere)
    .map((service, index) => withAddress(service, index));
  const found = cacheServices(live, caches);
  const resources = namesIn(caches).map((name) => ({
    name,
    resourceRef: { kind: 'Secret', name: `${name}-v1` },
  }));
  const there = resources.filter((_, index) => isThere(_, index + 1));
  const encoded = Object.entries(login).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const content = Object.fromEntries(encoded) as Record<string, string>;
  const copies = new Map(
    referencedCopies(caches, there).map((name) => [name, { ...content, 'bundle.crt': 'UEVN' }]),
  );
  const certificates = new Map(found.map(({ upstream }) => [upstream, { 'tls.crt': 'c', 'tls.key': 'k' }]));
  const component = cachesComponent({
    namespace: NAMESPACE,
    image: 'registry.example/larder:1',
    caches,
    hasAutoscaler,
    certificates,
    secrets: { resources: there, copies },
    handBack: false,
  });
  return [services, component];

  function isThere(_: unknown, index: number): boolean {
    return gaps === 0 || (index + 1) % (gaps * 5) !== 0;
  }
}

function withAddress(service: Service, index: number): Service {
  return { ...service, spec: { ...service.spec, clusterIP: `10.0.0.${index + 1}` } };
}

function namesIn(caches: readonly CacheDocument[]): string[] {
  const names = caches.flatMap(({ secretReferenceName, caBundleSecretReferenceName, credentials }) => [
    secretReferenceName,
    caBundleSecretReferenceName,
    ...credentials.map((credential) => credential.secretReferenceName),
  ]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

describe('property: any document that is accepted', () => {
  test('is rendered, or ends with one of the stated errors', () => {
    const counts = { rendered: 0, refused: 0 };
    fc.assert(
      fc.property(rendering, (one) => {
        assert.ok(parseRegistryConfig(one.document).ok);
        try {
          render(one);
          counts.rendered += 1;
        } catch (error) {
          assert.ok(isLarderError(error, 'CONFIG_INVALID'), String(error));
          assert.ok(
            STATED_ERRORS.some((text) => text.test(error.message)),
            error.message,
          );
          counts.refused += 1;
        }
      }),
      { numRuns: 100 },
    );
    assert.ok(counts.rendered > 50 && counts.refused > 5, JSON.stringify(counts));
  });

  const renderable = rendering
    .map((one) => ({ ...one, gaps: 0 }))
    .filter(({ document }) => {
      const names = document.caches.map(({ upstream }) => upstreamResourceName(upstream));
      return new Set(names).size === names.length;
    });

  test('gives equal bytes and names for equal values, also if caches and fields are in another order', () => {
    fc.assert(
      fc.property(renderable, (one) => {
        const first = JSON.stringify(render(one));
        assert.equal(JSON.stringify(render(structuredClone(one))), first);
        const caches = one.document.caches.map((cache) => reversed(cache)).toReversed();
        const other = { ...one, document: { ...one.document, caches } };
        assert.equal(JSON.stringify(render(other)), first);
      }),
    );
  });

  test('has names, labels and keys that Kubernetes accepts', () => {
    fc.assert(
      fc.property(renderable, (one) => {
        for (const component of render(one)) {
          assert.match(component.secret.metadata.name, SUBDOMAIN);
          for (const { kind, metadata, data = {} } of manifestsIn(component)) {
            assert.match(metadata.name, SUBDOMAIN);
            const limit = NAME_LIMITS[kind] ?? 253;
            assert.ok(metadata.name.length <= limit, `${kind} ${metadata.name}`);
            for (const value of Object.values(metadata.labels ?? {})) assert.match(value, LABEL_VALUE);
            for (const key of Object.keys(data)) assert.match(key, /^[A-Za-z0-9][-._A-Za-z0-9]{0,252}$/);
          }
        }
      }),
    );
  });

  test('has no secret outside of a Secret', () => {
    const secret = 'hush-hush-hush';
    fc.assert(
      fc.property(renderable, (one) => {
        const components = render({ ...one, login: { username: secret, password: secret } });
        for (const { kind, ...rest } of components.flatMap(manifestsIn))
          if (kind !== 'Secret') assert.doesNotMatch(JSON.stringify(rest), /hush/);
      }),
    );
  });
});

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

/** Pods of a StatefulSet with a longer name cannot be created (kubernetes/kubernetes#64023). */
const NAME_LIMITS: Readonly<Record<string, number>> = { Service: 63, StatefulSet: 52 };

function reversed<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).toReversed()) as T;
}
