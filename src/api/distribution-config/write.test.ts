import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { Duration } from '../../kit/duration.ts';
import { readYamlText } from '../../kit/document/yaml-text.ts';
import { decode } from '../document/decode.ts';
import { parseDistributionConfig } from './parse.ts';
import { distributionSchema, type DistributionDocument } from './schema.ts';
import { writeDistributionConfig } from './write.ts';

const text = fc.string({ unit: 'binary', minLength: 1 });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const duration = optional(fc.bigInt({ min: 0n, max: 10n ** 18n }) as fc.Arbitrary<Duration>);
const integer = optional(fc.nat());
const address = optional(
  fc.record({
    host: fc.constantFrom('::', '127.0.0.1', '::1', 'localhost'),
    port: fc.integer({ min: 0, max: 65_535 }),
  }),
);
const headerText = fc.stringMatching(/^[\t\x20-\x7e]*$/);

/** Any document that the schema can give. */
const document: fc.Arbitrary<DistributionDocument> = fc.record({
  version: optional(fc.constantFrom('0.1', '1')),
  log: fc.record({ fields: fc.record({ service: optional(text) }) }),
  storage: fc.record({
    delete: fc.record({ enabled: optional(fc.boolean()) }),
    filesystem: fc.record({ rootdirectory: optional(text) }),
    tag: fc.record({ concurrencylimit: integer }),
  }),
  http: fc.record({
    addr: address,
    debug: fc.record({
      addr: address,
      prometheus: fc.record({ enabled: fc.boolean(), path: fc.constantFrom('/metrics', '/m') }),
    }),
    draintimeout: duration,
    tls: fc.record({ certificate: optional(text), key: optional(text) }),
    headers: fc.dictionary(fc.stringMatching(/^[A-Za-z-]{1,9}$/), fc.array(headerText), {
      noNullPrototype: true,
    }),
  }),
  health: fc.record({
    storagedriver: fc.record({ enabled: optional(fc.boolean()), interval: duration, threshold: integer }),
  }),
  proxy: fc.record({
    remoteurl: fc.string(),
    ttl: optional(fc.string()),
    username: optional(fc.string({ unit: 'binary' })),
    password: optional(fc.string({ unit: 'binary' })),
  }),
});

/** The document without undefined fields. */
const plain = (one: unknown): unknown =>
  JSON.parse(JSON.stringify(one, (_, value: unknown) => (typeof value === 'bigint' ? `${value}ns` : value)));

test('property: what is written is read as the same document', () => {
  fc.assert(
    fc.property(document, (one) => {
      const { value, problems } = readYamlText(writeDistributionConfig(one), { holdsSecrets: true });
      assert.deepEqual(problems, []);
      const read = decode(distributionSchema, value);
      assert.deepEqual(read.problems, []);
      assert.deepEqual(plain(read.value), plain(one));
    }),
  );
});

test('property: equal documents give equal texts, which every reader of YAML loads alike', () => {
  fc.assert(
    fc.property(document, (one) => {
      const written = writeDistributionConfig(one);
      assert.equal(writeDistributionConfig(structuredClone(one)), written);
      assert.deepEqual(parse(written, { version: '1.1' }), parse(written, { version: '1.2' }));
    }),
  );
});

test('property: a login arrives as it is, whatever characters it has', () => {
  const base = decode(distributionSchema, {
    version: '0.1',
    proxy: { remoteurl: 'https://r.example' },
  }).value;
  assert.ok(base);
  fc.assert(
    fc.property(text, text, (username, password) => {
      const written = writeDistributionConfig({ ...base, proxy: { ...base.proxy, username, password } });
      const result = parseDistributionConfig(written);
      assert.ok(result.ok);
      assert.deepEqual(result.config.login, { username, password });
      assert.deepEqual(result.config.unknownKeys, []);
    }),
  );
});
