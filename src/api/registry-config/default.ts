import { LarderError } from '../../kit/errors.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import type { RegistryConfig } from './effective.ts';
import { API_VERSION, KIND } from './schema.ts';
import { parseRegistryConfig } from './parse.ts';

/** The upstreams without a configuration: the public registries that most images come from. */
const PUBLIC_REGISTRIES = [
  'docker.io',
  'registry.k8s.io',
  'ghcr.io',
  'quay.io',
  'gcr.io',
  'mcr.microsoft.com',
  'public.ecr.aws',
] as const;

export const DEFAULT_REGISTRY_CONFIG: RegistryConfig = builtIn();

function builtIn(): RegistryConfig {
  const caches = PUBLIC_REGISTRIES.map((upstream) => ({ upstream }));
  const result = parseRegistryConfig({ apiVersion: API_VERSION, kind: KIND, caches });
  if (!result.ok) throw new LarderError('INTERNAL', problemsText(result.problems));
  return result.config;
}
