import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crdTemplate } from './crd-template.ts';

test('text of a schema that looks like a template stays text', () => {
  const template = crdTemplate({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: { description: 'such as {{ .Values.x }}' },
  });
  assert.match(template, /^  description: such as \{\{ "\{\{" \}\} \.Values\.x \}\}$/m);
  assert.match(template, /^metadata:\n  name: things\.example\.com\n  labels:$/m);
});
