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

/** As `subdomainErrors` says; sizes are of characters here, which is the same for the names that pass. */
export const SUBDOMAIN_RULES: readonly CelRule[] = [
  { rule: 'size(self) <= 253', message: SUBDOMAIN_TOO_LONG },
  { rule: celMatches('self', `^${SUBDOMAIN_PATTERN}$`), message: SUBDOMAIN_MESSAGE },
];

/** As `labelErrors` says, but for the length: give the field a `maxLength`. */
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

/** As `secretNameRules` says. */
export const SECRET_NAME_RULES: readonly CelRule[] = [
  { rule: "self != ''", message: RULE_MESSAGES.notEmpty },
  { rule: "!self.contains('/') && !(self in ['.', '..'])", message: RULE_MESSAGES.plainName },
];

/** For the entries of a list of patterns or references; `what` is such as "an image reference". */
export function patternCel(what: string): readonly CelRule[] {
  return [{ rule: `self != '' && !${celMatches('self', '\\s|://')}`, message: patternMessage(what) }];
}
