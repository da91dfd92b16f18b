import { readDocument } from '../../src/api/document/parse-document.ts';
import {
  API_VERSION,
  KIND,
  registryConfigSchema,
  type CacheDocument,
} from '../../src/api/registry-config/schema.ts';
import { cacheServices, type CacheService } from '../../src/gardener/caches/cache-services.ts';
import { cachesComponent } from '../../src/gardener/caches/caches-component.ts';
import { registryStatus } from '../../src/gardener/caches/provider-status.ts';
import { serverCertificateOf } from '../../src/gardener/caches/server-certificate.ts';
import { servicesComponent } from '../../src/gardener/caches/services-component.ts';
import type { Component } from '../../src/gardener/managed-resources/component.ts';
import { monitoringObjects } from '../../src/gardener/monitoring/monitoring-objects.ts';
import { clusterFacts } from '../../src/gardener/shoots/cluster-facts.ts';
import { problemsText } from '../../src/kit/document/field-problem.ts';
import { isLarderError, LarderError } from '../../src/kit/errors.ts';
import type { Service } from '../../src/operator/cluster/resources.ts';
import { mergePatched } from '../kube/merge-patch.ts';
import {
  describedComponent,
  describedMonitoring,
  manifestsIn,
  type DescribedObjects,
} from './described-objects.ts';
import { createNameMask } from './masked-names.ts';
import { baseShoot } from './recorded-admission.ts';
import type { CaseInput, RecordedCase } from './recorded-cases.ts';

export const LARDER_IMAGE = 'registry.example/larder:0.1.0';

/** Outcome of the first step of a case: a message if it fails, and in any case the objects so far. */
export interface RenderedStep {
  readonly error?: string;
  readonly providerStatus?: unknown;
  readonly objects: unknown;
}

/** Name of the bundle of the secrets manager in every first step. */
const BUNDLE = 'ca-extension-registry-cache-bundle-RANDOM1';

/** Renders the first step of a case in the order of a reconcile. Services get addresses as in the recording, certificates are made up. */
export function renderedStep({ input, name }: RecordedCase): RenderedStep {
  const namespace = `shoot--p--${name.split('/')[1]}`;
  const objects: DescribedObjects = {};
  const mask = createNameMask();
  const add = (component: Component): Component => {
    const { name: dataName } = component.secret.metadata;
    mask.add(dataName, dataName.replace(/-[0-9a-f]{8}$/, ''));
    Object.assign(objects, describedComponent(component));
    return component;
  };
  let providerStatus: unknown;
  let error: string | undefined;
  try {
    providerStatus = reconcile();
  } catch (thrown) {
    if (!isLarderError(thrown)) throw thrown;
    error = thrown.message;
  }
  const described = mask.apply({ providerStatus, objects }) as RenderedStep;
  return { ...described, ...(error !== undefined && { error: `Error reconciling Extension: ${error}` }) };

  function reconcile(): unknown {
    const facts = clusterFacts({
      apiVersion: 'extensions.gardener.cloud/v1alpha1',
      kind: 'Cluster',
      metadata: { name: namespace },
      spec: { shoot: mergePatched(baseShoot(), { ...input.shoot }) },
    });
    if (facts.isHibernated) return undefined;
    const caches = cachesIn(input);
    const live = within('failed to deploy the registry cache services component', () =>
      servicesInShoot(add(servicesComponent(namespace, caches)), input['ipFamily'] === 'IPv6'),
    );
    for (const { metadata, spec } of live) mask.addAddress(spec.clusterIP, metadata.name);
    const services = cacheServices(live, caches);
    const withTls = services.filter(({ scheme }) => scheme === 'https');
    // The Secret of the secrets manager has the first number of this name.
    for (const service of withTls) mask.add(`seed:${service.name}`, serverCertificateOf(service).name);
    within('failed to deploy the registry caches component', () => {
      const component = cachesComponent({
        namespace,
        image: LARDER_IMAGE,
        caches,
        hasAutoscaler: facts.hasAutoscaler,
        certificates: new Map(withTls.map((service) => [service.upstream, certificateOf(service)])),
        secrets: { resources: facts.resources, copies: copiesIn(input) },
        handBack: false,
      });
      for (const { kind, metadata } of manifestsIn(component)) {
        const tls = kind === 'Secret' ? /^(.+-tls)-[0-9a-f]{8}$/.exec(metadata.name)?.[1] : undefined;
        if (tls !== undefined) mask.add(metadata.name, tls);
      }
      add(component);
    });
    if (facts.purpose !== 'testing') {
      for (const one of monitoringObjects(namespace)) Object.assign(objects, describedMonitoring(one));
    }
    return registryStatus(services, withTls.length > 0 ? BUNDLE : undefined);
  }
}

/** Texts in place of certificates, which recordings describe: `tls.crt of registry-docker-io-tls`. */
function certificateOf(service: CacheService): Record<string, string> {
  const { name } = serverCertificateOf(service);
  return Object.fromEntries(['tls.crt', 'tls.key'].map((key) => [key, `${key} of ${name}`]));
}

function cachesIn({ steps: [step] }: CaseInput): CacheDocument[] {
  const { providerConfig } = (step as { apply: { providerConfig?: unknown } }).apply;
  if ((providerConfig ?? undefined) === undefined) {
    throw invalid('providerConfig is required for the registry-cache extension');
  }
  const type = { apiVersion: API_VERSION, kind: KIND, schema: registryConfigSchema };
  const { value, problems } = readDocument(type, providerConfig, '');
  if (problems.length > 0 || value === undefined) {
    throw invalid(`failed to decode provider config: ${problemsText(problems)}`);
  }
  return value.caches;
}

/** The Services of a component as an API server has them, in the order of their names. */
function servicesInShoot(component: Component, isIPv6: boolean): LiveService[] {
  const services = manifestsIn(component).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return services.map((service, index) => ({
    ...service,
    spec: { clusterIP: isIPv6 ? `fd00:10::${index + 1}` : `100.64.1.${index + 1}` },
  }));
}

type LiveService = Service & { readonly spec: { readonly clusterIP: string } };

function copiesIn({ secrets = {} }: CaseInput): Map<string, Record<string, string>> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return new Map(
    Object.entries(secrets).map(([name, { data = {} }]) => {
      const entries = Object.entries(data).map(([key, text]) => [key, base64(String(text))]);
      return [name, Object.fromEntries(entries) as Record<string, string>];
    }),
  );
}

/** Puts words in front of the message of an error. */
function within<T>(words: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isLarderError(error) ? invalid(`${words}: ${error.message}`) : error;
  }
}

function invalid(message: string): LarderError {
  return new LarderError('CONFIG_INVALID', message);
}
