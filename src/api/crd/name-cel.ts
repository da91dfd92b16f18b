import {
  LABEL_MESSAGE,
  LABEL_PATTERN,
  LABEL_WITH_DOTS,
  SUBDOMAIN_MESSAGE,
  SUBDOMAIN_PATTERN,
  SUBDOMAIN_TOO_LONG,
} from '../rules/dns-names.ts';
import { patternMessage, RULE_MESSAGES } from '../rules/rule-messages.ts';
import { celMatches, type CelRule } from './cel.ts';

/** The rules of `subdomainErrors`. CEL counts characters instead of bytes, which is the same for valid names. */
export const SUBDOMAIN_RULES: readonly CelRule[] = [
  { rule: 'size(self) <= 253', message: SUBDOMAIN_TOO_LONG },
  { rule: celMatches('self', `^${SUBDOMAIN_PATTERN}$`), message: SUBDOMAIN_MESSAGE },
];

/** The rules of `labelErrors` without the length, for which the field needs a `maxLength`. */
export const LABEL_RULES: readonly CelRule[] = [
  {
    rule: `${celMatches('self', `^${LABEL_PATTERN}$`)} || ${celMatches('self', `^${SUBDOMAIN_PATTERN}$`)}`,
    message: LABEL_MESSAGE,
  },
  {
    rule: `${celMatches('self', `^${LABEL_PATTERN}$`)} || !${celMatches('self', `^${SUBDOMAIN_PATTERN}$`)}`,
    message: LABEL_WITH_DOTS,
  },
];

/** The rules of `secretNameRules`. */
export const SECRET_NAME_RULES: readonly CelRule[] = [
  { rule: "self != ''", message: RULE_MESSAGES.notEmpty },
  { rule: "!self.contains('/') && !(self in ['.', '..'])", message: RULE_MESSAGES.plainName },
];

/** Checks an entry of a list of patterns or references. `what` is a phrase such as "an image reference". */
export function patternCel(what: string): readonly CelRule[] {
  return [{ rule: `self != '' && !${celMatches('self', '\\s|://')}`, message: patternMessage(what) }];
}
