import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { baseOsConfig } from '../../../test/gardener/play-osc.ts';
import { jsonPatch } from '../../../test/kube/json-patch.ts';
import { deepFreeze } from '../../kit/json.ts';
import { jsonPatchOf } from '../../kube/webhook/json-patch.ts';
import { withChange, type NodeChange } from './node-change.ts';
import { readOsConfig } from './os-config.ts';

type Spec = Readonly<Record<string, unknown>>;
const specOf = (osConfig: unknown): Spec => (osConfig as { readonly spec: Spec }).spec;

const NAMES = fc.constantFrom('docker.io', 'ghcr.io', 'a.io:5000', '');
const EXTRA = fc.dictionary(fc.constantFrom('unknown', 'plugins', 'hostName'), fc.jsonValue());
const REGISTRY = fc.record({
  upstream: NAMES,
  server: fc.string(),
  hosts: fc.array(fc.record({ url: fc.string(), capabilities: fc.array(fc.string()) })),
});
const CHANGE: fc.Arbitrary<NodeChange> = fc.record({
  files: fc.array(fc.record({ path: NAMES, content: fc.base64String() })),
  registries: fc.array(REGISTRY),
});
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const merged = (a: object, b: object): object => ({ ...b, ...a });
const OS_CONFIG = fc.record({
  files: maybe(
    fc.array(
      fc
        .tuple(fc.record({ path: NAMES, content: fc.constant({ secretRef: { name: 's' } }) }), EXTRA)
        .map(([file, extra]) => merged(file, extra)),
    ),
  ),
  criConfig: maybe(
    fc
      .tuple(
        fc.record({
          name: fc.constant('containerd'),
          containerd: maybe(
            fc
              .tuple(fc.record({ sandboxImage: fc.string(), registries: maybe(fc.array(REGISTRY)) }), EXTRA)
              .map(([containerd, extra]) => merged(containerd, extra)),
          ),
        }),
        EXTRA,
      )
      .map(([criConfig, extra]) => merged(criConfig, extra)),
  ),
});

const osConfigs = fc
  .tuple(OS_CONFIG, EXTRA)
  .map(([fields, extra]) => ({ ...baseOsConfig(), spec: { ...baseOsConfig().spec, ...extra, ...fields } }));

/** As parsed: with the prototypes that JSON gives. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

test('a change leaves all else as it is, made twice it is the same, and a JSON patch makes it', () => {
  fc.assert(
    fc.property(osConfigs.map(plain), CHANGE.map(plain), (osConfig, change) => {
      deepFreeze(osConfig);
      readOsConfig(osConfig, 'unreadable');
      const after = withChange(osConfig, change);
      readOsConfig(after, 'unreadable');
      assert.deepEqual(withChange(after, change), after);
      assert.deepEqual(
        jsonPatch(osConfig, jsonPatchOf(osConfig, after) as Parameters<typeof jsonPatch>[1]),
        after,
      );

      const { files: filesBefore, criConfig: criBefore, ...before } = specOf(osConfig);
      const { files, criConfig, ...rest } = specOf(after);
      assert.deepEqual({ ...(after as object), spec: rest }, { ...osConfig, spec: before });
      if (criBefore === null) return assert.deepEqual(after, osConfig);
      const { containerd, ...cri } = criConfig as Record<string, Record<string, unknown>>;
      const { containerd: containerdBefore, ...criRest } = criBefore as Record<
        string,
        Record<string, unknown>
      >;
      assert.deepEqual(cri, criRest);
      const kept = { sandboxImage: '', ...containerdBefore, registries: containerd?.['registries'] };
      assert.deepEqual(containerd, JSON.parse(JSON.stringify(kept)));

      const others = (list: unknown, key: string, mine: readonly Record<string, unknown>[]) =>
        ((list ?? []) as Record<string, unknown>[]).filter(
          (one) => !mine.some((own) => own[key] === one[key]),
        );
      assert.deepEqual(
        others(files, 'path', change.files as never),
        others(filesBefore, 'path', change.files as never),
      );
      assert.deepEqual(
        others(containerd?.['registries'], 'upstream', change.registries as never),
        others(containerdBefore?.['registries'], 'upstream', change.registries as never),
      );
      for (const { path, content } of change.files.slice(-1)) {
        const {
          unknown: _,
          plugins: __,
          ...file
        } = (files as Record<string, unknown>[]).find((one) => one['path'] === path) ?? {};
        assert.deepEqual(file, {
          path,
          permissions: 420,
          content: { inline: { encoding: 'b64', data: content } },
        });
      }
    }),
    { numRuns: 200 },
  );
});

test('fields that Gardener does not know stay in what is replaced, and known ones go', () => {
  const before = {
    spec: {
      files: [{ path: '/a', hostName: 'h', newField: 1 }],
      criConfig: { containerd: { registries: [{ upstream: 'a.io', readinessProbe: true, newField: 2 }] } },
    },
  };
  const registry = { upstream: 'a.io', server: 'https://a.io' };
  const { files, criConfig } = specOf(
    withChange(before, { files: [{ path: '/a', content: 'eA==' }], registries: [registry] }),
  );
  const content = { inline: { encoding: 'b64', data: 'eA==' } };
  assert.deepEqual(files, [{ path: '/a', permissions: 420, content, newField: 1 }]);
  assert.deepEqual(criConfig, { containerd: { registries: [{ ...registry, newField: 2 }] } });
});

test('the keys of a configuration are read once, however many registries come', () => {
  let reads = 0;
  const registry = (index: number) => ({
    get upstream() {
      reads += 1;
      return `u${index}.io`;
    },
  });
  const present = Array.from({ length: 300 }, (_, index) => registry(index));
  const registries = Array.from({ length: 300 }, (_, index) => ({ upstream: `v${index}.io`, server: '' }));
  withChange({ spec: { criConfig: { containerd: { registries: present } } } }, { files: [], registries });
  assert.equal(reads, 300);
});
