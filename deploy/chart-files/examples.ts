import { MIRROR_API_VERSION, MIRROR_KIND } from '../../src/api/mirror-config/schema.ts';
import { API_VERSION, KIND } from '../../src/api/registry-config/schema.ts';

/** One object of each custom resource, as catalogues of charts show it beside the kind. */
export const EXAMPLES = [
  {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: 'registries', namespace: 'registries' },
    spec: {
      caches: [
        { upstream: 'docker.io', volume: { size: '20Gi' } },
        { upstream: 'ghcr.io', volume: { size: '20Gi' } },
      ],
    },
  },
  {
    apiVersion: MIRROR_API_VERSION,
    kind: MIRROR_KIND,
    metadata: { name: 'mirrors', namespace: 'registries' },
    spec: {
      mirrors: [
        {
          upstream: 'quay.io',
          hosts: [{ host: 'https://mirror.example.com', capabilities: ['pull', 'resolve'] }],
        },
      ],
    },
  },
] as const;
