import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDifferenceReport } from './difference-report.ts';
import { meaningOf } from './meaning.ts';
import { recordedCases, type RecordedCase } from './recorded-cases.ts';
import { renderedStep } from './rendered-case.ts';

/** Cases whose first step ends before anything is rendered: by filters, the type, or a missing Cluster. Controllers decide these. */
const NOT_RENDERED = [
  'cluster-missing-no-role',
  'mirror-basic',
  'mirror-invalid',
  'other-name',
  'other-type',
];

const cases = recordedCases('reconcile').filter(
  ({ name }) => !NOT_RENDERED.includes(name.replace('reconcile/', '')),
);
const report = createDifferenceReport(cases.map(({ name }) => name));

describe('the first reconcile of a recorded Extension renders what the Go extension made', () => {
  for (const one of cases) {
    test(one.name, () => {
      const recorded = meaningOf(recordedStep(one));
      assert.deepEqual(report.compare(one.name, recorded, meaningOf({ steps: [actualStep(one)] })), []);
    });
  }

  test('and the list of differences has no entry that explains nothing', (context) => {
    context.diagnostic(report.summary());
    assert.deepEqual(report.unused(), []);
  });
});

test('every recorded case is here', () => {
  assert.equal(recordedCases('reconcile').length, 83);
  assert.equal(recordedCases('lifecycle').length, 35);
});

/** Objects of the secrets manager and of the shoot, which are not rendered. */
const NOT_OURS = /^(?:shoot:|Secret\/(?:ca-extension-registry-cache|.*-tls-RANDOM))/;

/** The step as recorded, as far as it is rendered. */
function recordedStep({ steps: [step] }: RecordedCase): object {
  const all = step?.objects?.created ?? {};
  const created = Object.fromEntries(Object.entries(all).filter(([key]) => !NOT_OURS.test(key)));
  const failure = step?.transitions?.find((text) => text.includes('/Error/'));
  const error = failure?.replace(/^\S+ /, '');
  return {
    steps: [{ error, providerStatus: step?.extension?.status?.providerStatus, objects: { created } }],
  };
}

function actualStep(one: RecordedCase): object {
  const { objects, ...rest } = renderedStep(one);
  return { ...rest, objects: { created: withRecordedCertificates(objects, one) } };
}

/** Puts the recorded description of a certificate where the text for it was copied. */
function withRecordedCertificates(objects: unknown, { steps: [step] }: RecordedCase): unknown {
  const created = (step?.objects?.created ?? {}) as Readonly<Record<string, { readonly data?: object }>>;
  return JSON.parse(JSON.stringify(objects), (_, value: unknown) => {
    const [, key, name] = /^(tls\.\w+) of (.+)$/.exec(String(value)) ?? [];
    const data = (created[`Secret/${name}-RANDOM1`]?.data ?? {}) as Readonly<Record<string, unknown>>;
    return key === undefined ? value : data[key];
  }) as unknown;
}
