import { stringify } from 'yaml';

/** A CustomResourceDefinition as the text of its file in `deploy/crds`. */
export function crdYaml(definition: object): string {
  const header = '# Generated from the schemas in src/api by `npm run generate`; a test keeps it in step.\n';
  return header + stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false });
}
