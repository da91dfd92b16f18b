import { API_VERSION, KIND, registryConfigSchema } from '../registry-config/schema.ts';
import { registryConfigStatusSchema } from '../status/registry-config-status.ts';
import { printerColumns, summaryColumn } from './columns.ts';
import { customResourceDefinition } from './custom-resource.ts';
import { REGISTRY_CONFIG_ADDITIONS } from './registry-config-additions.ts';
import { statusSchema } from './status-schema.ts';
import { structuralSchema } from './structural-schema.ts';

/** `spec` is the document without its type, and without the field that only the `providerConfig` of a Shoot has. */
const registryConfigSpecSchema = registryConfigSchema
  .omit({ apiVersion: true, kind: true, registryConfigReplication: true })
  .meta({
    description: 'Which upstream registries are cached, and how. Secrets are in the same namespace.',
  });

export const REGISTRY_CONFIG_CRD = customResourceDefinition({
  apiVersion: API_VERSION,
  kind: KIND,
  shortName: 'regcfg',
  description: 'Caches of upstream registries, for all nodes of the cluster.',
  spec: structuralSchema(registryConfigSpecSchema, REGISTRY_CONFIG_ADDITIONS),
  status: statusSchema(registryConfigStatusSchema, 'caches'),
  columns: printerColumns([
    summaryColumn('caches', 'Caches', 'Serving caches, of all.'),
    summaryColumn('nodes', 'Nodes', 'Nodes that use all caches, of all.'),
    summaryColumn('hits', 'Hits', 'Hit ratio.'),
    summaryColumn('saved', 'Saved', 'Bytes that the upstreams did not have to send.'),
  ]),
});
