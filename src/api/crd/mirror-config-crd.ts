import { MIRROR_API_VERSION, MIRROR_KIND, mirrorConfigSchema } from '../mirror-config/schema.ts';
import { mirrorConfigStatusSchema } from '../status/mirror-config-status.ts';
import { printerColumns, summaryColumn } from './columns.ts';
import { customResourceDefinition } from './custom-resource.ts';
import { MIRROR_CONFIG_ADDITIONS } from './mirror-config-additions.ts';
import { statusSchema } from './status-schema.ts';
import { structuralSchema } from './structural-schema.ts';

/** `spec` is the document without its type. */
const mirrorConfigSpecSchema = mirrorConfigSchema
  .omit({ apiVersion: true, kind: true })
  .meta({ description: 'Which upstream registries have mirrors. Secrets are in the same namespace.' });

export const MIRROR_CONFIG_CRD = customResourceDefinition({
  apiVersion: MIRROR_API_VERSION,
  kind: MIRROR_KIND,
  shortName: 'mirrorcfg',
  description: 'Mirrors of upstream registries, for all nodes of the cluster.',
  spec: structuralSchema(mirrorConfigSpecSchema, MIRROR_CONFIG_ADDITIONS),
  status: statusSchema(mirrorConfigStatusSchema, 'mirrors'),
  columns: printerColumns([summaryColumn('nodes', 'Nodes', 'Nodes that use all mirrors, of all.')]),
});
