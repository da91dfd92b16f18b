import { RULE_MESSAGES } from '../rules/rule-messages.ts';
import { durationCel, growingQuantityCel, positiveDuration, positiveQuantityCel } from './amount-cel.ts';
import { someOf, type CelRule } from './cel.ts';
import { hostPortCel, originUrlCel } from './host-cel.ts';
import { LABEL_RULES, patternCel, SECRET_NAME_RULES, SUBDOMAIN_RULES } from './name-cel.ts';
import type { Additions } from './structural-schema.ts';

const upstream = { maxLength: 512, 'x-kubernetes-validations': hostPortCel() };
const url = { maxLength: 512, 'x-kubernetes-validations': originUrlCel() };
const secretName = { maxLength: 253, 'x-kubernetes-validations': SECRET_NAME_RULES };
const quantity = { maxLength: 64, 'x-kubernetes-validations': positiveQuantityCel() };
const duration = (field: string): Additions => ({
  maxLength: 64,
  'x-kubernetes-validations': durationCel(field),
});

const EXCLUSIVE: CelRule = {
  rule: '!has(self.provider) || !has(self.secretReferenceName)',
  message: RULE_MESSAGES.exclusive,
  reason: 'FieldValueForbidden',
  fieldPath: '.provider',
};

/** The condition of `hasOwnCredential`. */
const OWN_CREDENTIAL =
  'has(self.secretReferenceName) || has(self.provider) || (has(self.credentials) && size(self.credentials) > 0)';

/** The computed name of a Service without `registry-`. CEL cannot compute that of an upstream above 43 characters, a hash. */
const COMPUTED_SUFFIX = "b.upstream.replace(':', '-').replace('.', '-')";

/** The rules of `registry-config/rules.ts` for an API server, with the rules for updates of an object. */
export const REGISTRY_CONFIG_ADDITIONS: Readonly<Record<string, Additions>> = {
  '': {
    'x-kubernetes-validations': [someOf('caches', RULE_MESSAGES.oneCache)],
  },
  caches: {
    maxItems: 100,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['upstream'],
    'x-kubernetes-validations': [
      {
        rule:
          'self.all(a, !has(a.serviceNameSuffix) || ' +
          'self.exists_one(b, has(b.serviceNameSuffix) && b.serviceNameSuffix == a.serviceNameSuffix))',
        message: 'a serviceNameSuffix stands twice',
      },
      {
        rule:
          'self.all(a, !has(a.serviceNameSuffix) || !self.exists(b, ' +
          `!has(b.serviceNameSuffix) && size(b.upstream) <= 43 && a.serviceNameSuffix == ${COMPUTED_SUFFIX}))`,
        message: 'serviceNameSuffix: cannot collide with another upstream',
      },
    ],
  },
  'caches[]': {
    'x-kubernetes-validations': [
      {
        rule: `!has(self.authentication.mode) || self.authentication.mode != 'Caller' || !(${OWN_CREDENTIAL})`,
        message: RULE_MESSAGES.sharedOnly,
        fieldPath: '.authentication.mode',
      },
      EXCLUSIVE,
    ],
  },
  'caches[].upstream': upstream,
  'caches[].remoteURL': url,
  'caches[].authentication': {
    'x-kubernetes-validations': [
      {
        rule: `self.realm == 'Cache' || !(${positiveDuration('self.outageGrace')})`,
        message: RULE_MESSAGES.graceNeedsRealm,
        fieldPath: '.outageGrace',
      },
    ],
  },
  'caches[].authentication.proofLifetime': duration('proofLifetime'),
  'caches[].authentication.outageGrace': duration('outageGrace'),
  'caches[].freshness.tagTTL': duration('tagTTL'),
  'caches[].freshness.staleIfError': duration('staleIfError'),
  'caches[].garbageCollection.ttl': duration('ttl'),
  'caches[].garbageCollection.maxSize': quantity,
  'caches[].volume': {
    'x-kubernetes-validations': [
      growingQuantityCel('size', `${RULE_MESSAGES.immutable}, except that a volume can grow`),
      {
        rule:
          'has(self.storageClassName) == has(oldSelf.storageClassName) && ' +
          '(!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)',
        message: RULE_MESSAGES.immutable,
        fieldPath: '.storageClassName',
      },
    ],
  },
  'caches[].volume.size': quantity,
  'caches[].volume.storageClassName': { maxLength: 512, 'x-kubernetes-validations': SUBDOMAIN_RULES },
  'caches[].secretReferenceName': secretName,
  'caches[].credentials': { maxItems: 25, 'x-kubernetes-list-type': 'atomic' },
  'caches[].credentials[]': {
    'x-kubernetes-validations': [
      someOf('repositories', RULE_MESSAGES.onePattern),
      EXCLUSIVE,
      {
        rule: 'has(self.provider) || has(self.secretReferenceName)',
        message: RULE_MESSAGES.oneSource,
        reason: 'FieldValueRequired',
        fieldPath: '.secretReferenceName',
      },
    ],
  },
  'caches[].credentials[].repositories': {
    maxItems: 16,
    'x-kubernetes-list-type': 'set',
  },
  'caches[].credentials[].repositories[]': {
    maxLength: 255,
    'x-kubernetes-validations': patternCel('a repository pattern'),
  },
  'caches[].credentials[].secretReferenceName': secretName,
  'caches[].caBundleSecretReferenceName': secretName,
  'caches[].proxy.httpProxy': url,
  'caches[].proxy.httpsProxy': url,
  // The API server checks the length itself, in words that are also those of the Gardener extension.
  'caches[].serviceNameSuffix': { maxLength: 54, 'x-kubernetes-validations': LABEL_RULES },
  'caches[].preload': { maxItems: 100, 'x-kubernetes-list-type': 'set' },
  'caches[].preload[]': {
    maxLength: 512,
    'x-kubernetes-validations': patternCel('an image reference'),
  },
};
