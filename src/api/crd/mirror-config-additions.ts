import { MIRROR_CAPABILITIES } from '../mirror-config/schema.ts';
import { RULE_MESSAGES } from '../rules/rule-messages.ts';
import { someOf } from './cel.ts';
import { hostPortCel, mirrorUrlCel } from './host-cel.ts';
import { SECRET_NAME_RULES } from './name-cel.ts';
import type { Additions } from './structural-schema.ts';

/** The rules of `mirror-config/rules.ts` for an API server. */
export const MIRROR_CONFIG_ADDITIONS: Readonly<Record<string, Additions>> = {
  '': { 'x-kubernetes-validations': [someOf('mirrors', RULE_MESSAGES.oneMirror)] },
  mirrors: {
    maxItems: 100,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['upstream'],
  },
  'mirrors[]': { 'x-kubernetes-validations': [someOf('hosts', RULE_MESSAGES.oneHost)] },
  'mirrors[].upstream': { maxLength: 512, 'x-kubernetes-validations': hostPortCel() },
  'mirrors[].hosts': {
    maxItems: 8,
    // Not a map by `host`: the order counts, and two appliers could not agree on one.
    'x-kubernetes-list-type': 'atomic',
    'x-kubernetes-validations': [
      {
        rule: 'self.all(a, self.exists_one(b, b.host == a.host))',
        message: 'a host stands twice',
      },
    ],
  },
  'mirrors[].hosts[].host': { maxLength: 512, 'x-kubernetes-validations': mirrorUrlCel() },
  'mirrors[].hosts[].capabilities': { maxItems: 10, 'x-kubernetes-list-type': 'set' },
  'mirrors[].hosts[].capabilities[]': { enum: MIRROR_CAPABILITIES },
  'mirrors[].hosts[].caBundleSecretReferenceName': {
    maxLength: 253,
    'x-kubernetes-validations': SECRET_NAME_RULES,
  },
};
