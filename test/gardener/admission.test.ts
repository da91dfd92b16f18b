import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Carrier } from '../../src/api/document/parse-document.ts';
import { parseMirrorConfig } from '../../src/api/mirror-config/parse.ts';
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';
import { cacheValidator } from '../../src/gardener/admission/cache-validator.ts';
import { mirrorValidator } from '../../src/gardener/admission/mirror-validator.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { createDifferenceReport } from './difference-report.ts';
import {
  providerConfigIn,
  recordedAdmissions,
  recordedDocuments,
  type RecordedAdmission,
} from './recorded-admission.ts';

const DECODE = 'failed to decode providerConfig:';
const DURATION = 'caches[0].garbageCollection.ttl';
const QUANTITY =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const CREDS = 'spec.extensions[0].providerConfig.caches[0].secretReferenceName: Invalid value: "creds":';
const SERVICE_ACCOUNT =
  'failed to unmarshal ServiceAccount json from the password data entry in the referenced secret "garden-p/creds-v1":';

/**
 * Answers in other words than those of the extension: what it reports of a value that cannot be read names the Go type of the field, and often not the
 * field. In two cases it repeats a character of a password.
 */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  'cache-ttl-09': `${DECODE} ${DURATION}: time: invalid duration "2562048h"`,
  'cache-ttl-10': `${DECODE} ${DURATION}: time: unknown unit "h-" in duration "1h-1m"`,
  'decode-ttl-days': `${DECODE} ${DURATION}: time: unknown unit "d" in duration "7d"`,
  'decode-ttl-empty': `${DECODE} ${DURATION}: time: invalid duration ""`,
  'decode-ttl-number': `${DECODE} ${DURATION}: must be a duration such as "168h", found the number 7`,
  'decode-size-5GB': `${DECODE} caches[0].volume.size: ${QUANTITY}`,
  'decode-size-foo': `${DECODE} caches[0].volume.size: ${QUANTITY}`,
  'decode-entry-string': `${DECODE} caches[0]: must be a map, found a string`,
  'decode-ha-string': `${DECODE} caches[0].highAvailability.enabled: must be true or false, found a string`,
  'decode-kind-unknown': unregistered('Foo', 'v1alpha3'),
  'decode-version-v1': unregistered('RegistryConfig', 'v1'),
  'decode-version-v1alpha1': unregistered('RegistryConfig', 'v1alpha1'),
  'mdecode-capabilities-string': `${DECODE} mirrors[0].hosts[0].capabilities: must be a list, found a string`,
  'mdecode-mirrors-map': `${DECODE} mirrors: must be a list, found a map`,
  'mdecode-caches-config': unregisteredMirror(
    'RegistryConfig',
    'registry.extensions.gardener.cloud/v1alpha3',
  ),
  'mdecode-group-registry': unregisteredMirror('MirrorConfig', 'registry.extensions.gardener.cloud/v1alpha3'),
  'mdecode-kind-registry': unregisteredMirror('RegistryConfig', 'mirror.extensions.gardener.cloud/v1alpha1'),
  'provider-config-list (cache)': `${DECODE} expected a RegistryConfig document, found a list`,
  'provider-config-list (mirror)': `${DECODE} expected a MirrorConfig document, found a list`,
  'provider-config-string (cache)': `${DECODE} expected a RegistryConfig document, found a string`,
  'provider-config-string (mirror)': `${DECODE} expected a MirrorConfig document, found a string`,
  'secret-gsa-not-json': `${CREDS} ${SERVICE_ACCOUNT} it is not JSON`,
  'secret-gsa-trailing': `${CREDS} ${SERVICE_ACCOUNT} it is not JSON`,
};

/** Shoots that the extension allows and Larder refuses, see docs/decisions/0016-admission-in-gardener.md. */
const REFUSED: Readonly<Record<string, string>> = {
  'cache-upstream-clash-undetected':
    '[spec.extensions[0].providerConfig.caches[1].upstream: Invalid value: "a-b.io": cannot collide with "a.b.io" upstream: ' +
    'the objects of both would be named "registry-a-b-io", ' +
    'spec.extensions[0].providerConfig.caches[3].upstream: Invalid value: "h.io-1": cannot collide with "h.io:1" upstream: ' +
    'the objects of both would be named "registry-h-io-1"]',
};

const recorded = recordedAdmissions();
const report = createDifferenceReport(recorded.map(caseNameOf));

describe('admission answers a Shoot as the Gardener extension does', () => {
  for (const admission of recorded) {
    const { name, validator, answer, unordered } = admission;
    test(`${validator}: ${name}`, async () => {
      const given = await answerTo(admission);
      assert.deepEqual(report.compare(caseNameOf(admission), ...answersOf(admission, given)), []);
      const message = wordsFor(admission) ?? (answer === null ? null : shortened(answer.message));
      if (message === null) {
        assert.deepEqual(given, { allowed: true });
        return;
      }
      assert.ok(!given.allowed);
      assert.equal(unordered ? sorted(given.message) : given.message, message);
      assert.equal(given.code, answer?.code ?? 403);
    });
  }
});

test('the list of differences has no entry about admission that explains nothing', (context) => {
  context.diagnostic(report.summary());
  assert.deepEqual(report.unused(), []);
});

test('every recorded case is here, and only those with other words are listed', () => {
  assert.equal(recorded.length, 230);
  assert.equal(new Set(recorded.map(({ name }) => name)).size, 167);
  const used = recorded.filter((admission) => wordsFor(admission) !== undefined);
  assert.equal(used.length, Object.keys({ ...OTHER_WORDS, ...REFUSED }).length);
  for (const admission of used)
    assert.notEqual(wordsFor(admission), admission.answer?.message, `${admission.name} is no exception`);
});

test('every Shoot that admission accepts is read by the parser of the controllers', async () => {
  const counts = { caches: 0, mirrors: 0 };
  for (const admission of recorded) {
    const { validator, request, name } = admission;
    const isCache = validator === 'cache';
    const document = providerConfigIn(
      request.object as object,
      isCache ? 'registry-cache' : 'registry-mirror',
    );
    if (document === undefined || !(await answerTo(admission)).allowed) continue;
    const options = { carrier: 'Shoot' } as const;
    const result = isCache ? parseRegistryConfig(document, options) : parseMirrorConfig(document, options);
    assert.ok(result.ok, name);
    counts[isCache ? 'caches' : 'mirrors'] += 1;
  }
  assert.deepEqual(counts, { caches: 34, mirrors: 21 });
});

test('a document is judged alike in a Shoot and as an object of its own', () => {
  const judged = (carrier: Carrier) => [
    ...recordedDocuments('registry-cache').map(({ document }) => parseRegistryConfig(document, { carrier })),
    ...recordedDocuments('registry-mirror').map(({ document }) => parseMirrorConfig(document, { carrier })),
  ];
  assert.equal(judged('Object').length, 157);
  assert.deepEqual(judged('Object'), judged('Shoot'));
});

function answerTo({ validator, request, secrets }: RecordedAdmission) {
  const readSecret = (namespace: string, name: string) => {
    const secret = namespace === 'garden-p' ? secrets.get(name) : undefined;
    return secret === undefined
      ? Promise.reject(new KubeError('no such Secret', { httpStatus: 404, reason: 'NotFound' }))
      : Promise.resolve(secret);
  };
  const handler = (validator === 'cache' ? cacheValidator : mirrorValidator)({ readSecret });
  return handler(request, new AbortController().signal);
}

function caseNameOf({ name }: RecordedAdmission): string {
  return `admission/${name}`;
}

/** The recorded answer and the one that was given, in the form of the recordings. */
function answersOf(
  { validator, answer, unordered }: RecordedAdmission,
  given: Awaited<ReturnType<typeof answerTo>>,
): [object, object] {
  const written = ({ code, message }: { readonly code: number; readonly message: string }): object => ({
    [validator]: { allowed: false, code, message: unordered ? sorted(message) : message },
  });
  const allowed = { [validator]: { allowed: true } };
  const named = given.allowed
    ? allowed
    : written({ ...given, message: given.message.replace('{Shoot garden-p/s}: ', '<...>: ') });
  return [answer === null ? allowed : written(answer), named];
}

function wordsFor({ name, validator }: RecordedAdmission): string | undefined {
  return OTHER_WORDS[name] ?? OTHER_WORDS[`${name} (${validator})`] ?? REFUSED[name];
}

/** The recorded message without what Go prints of its own: a struct, a position in its source. */
function shortened(message: string): string {
  return message.replace('<...>: ', '{Shoot garden-p/s}: ').replace(' in scheme "<...>"', '');
}

function sorted(message: string): string {
  if (!message.startsWith('[')) return message;
  return `[${message
    .slice(1, -1)
    .split(/, (?=spec\.extensions)/)
    .sort()
    .join(', ')}]`;
}

function unregistered(kind: string, version: string): string {
  return (
    `${DECODE} no kind "${kind}" is registered for version "registry.extensions.gardener.cloud/${version}" here: ` +
    'apiVersion must be "registry.extensions.gardener.cloud/v1alpha3", kind "RegistryConfig"'
  );
}

function unregisteredMirror(kind: string, version: string): string {
  return (
    `${DECODE} no kind "${kind}" is registered for version "${version}" here: ` +
    'apiVersion must be "mirror.extensions.gardener.cloud/v1alpha1", kind "MirrorConfig"'
  );
}
