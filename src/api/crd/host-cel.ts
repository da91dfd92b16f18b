import { SUBDOMAIN_MESSAGE, SUBDOMAIN_PATTERN, SUBDOMAIN_TOO_LONG } from '../rules/dns-names.ts';
import { pathSegmentMessage, RULE_MESSAGES } from '../rules/rule-messages.ts';
import { celMatches, celText, type CelRule } from './cel.ts';

/** The rules of `hostPortErrors`. */
export function hostPortCel(): readonly CelRule[] {
  return hostRules('(?s)^', '.*', '$');
}

/** The rules of `originUrlErrors`. */
export function originUrlCel(): readonly CelRule[] {
  const path = { rule: unless('^[^:]*:(//[^/?#]*/[^?#]|/[^/?#])'), message: RULE_MESSAGES.urlPath };
  return urlRules([path]);
}

/** The rules of `mirrorUrlErrors`. */
export function mirrorUrlCel(): readonly CelRule[] {
  const paths = (['..', '.'] as const).map((segment) => {
    const dots = segment.replaceAll('.', '([.]|%2E)');
    return {
      rule: unless(`(?i)${TO_SEGMENT}${dots}(/|%2F|[?#]|$)`),
      message: pathSegmentMessage(segment),
    };
  });
  return urlRules(paths);
}

/**
 * The rules for URLs check the text instead of the result of `url()`. The API server bounds the cost of a rule before it has seen a
 * value, and has no bound for a part of a URL. The message for a text that `isURL` refuses lacks the reason of Go's parser.
 */
function urlRules(paths: readonly CelRule[]): readonly CelRule[] {
  return [
    { rule: HAS_SCHEME, message: RULE_MESSAGES.urlScheme },
    { rule: `!${HAS_SCHEME} || ${IS_URL}`, message: RULE_MESSAGES.urlUnparsable },
    ...hostRules(URL_HOST, '[^/?#]*', URL_HOST_END).map((rule) => ({
      ...rule,
      rule: `${NO_URL} || ${rule.rule}`,
    })),
    ...paths,
    { rule: unless('^[^:]*://[^/?#]*@'), message: RULE_MESSAGES.urlUserInfo },
    { rule: unless('^[^?#]*[?][^#]'), message: RULE_MESSAGES.urlQuery },
    { rule: unless('(?s)#.'), message: RULE_MESSAGES.urlFragment },
  ];
}

const HAS_SCHEME = celMatches('self', '^(?i:https?):');
/** `isURL` does not support fragments, in which only escapes can be wrong. */
const IS_URL = `(isURL(self.find('^[^#]*')) && !${celMatches('self', '(?is)#.*%([^0-9a-f]|.[^0-9a-f]|.?$)')})`;
/** Skips a rule for a text that is no URL, for which the Gardener extension has one message only. */
const NO_URL = `!${HAS_SCHEME} || !${IS_URL}`;
const URL_HOST = '^[^:]*://([^/?#]*@)?';
/** Matches up to the start of any segment of the path, after a host or, without one, a single slash. */
const TO_SEGMENT = '^[^:]*:(//[^/?#]*/([^?#]*(/|%2F))?|/([^/?#][^?#]*(/|%2F)|%2F)?)';
const URL_HOST_END = '([/?#]|$)';

function unless(pattern: string): string {
  return `${NO_URL} || !${celMatches('self', pattern)}`;
}

/** The rules for host and port, a text of `any`, between the patterns `start` and `end`. */
function hostRules(start: string, any: string, end: string): readonly CelRule[] {
  const range = 'valid port must be in the range [1, 65535]';
  return [
    {
      rule: `!${celMatches('self', `${start}${any}:[0-9]+${end}`)} || ${celMatches('self', `${start}${any}:${PORT}${end}`)}`,
      message: `port is not valid, ${range}`,
      messageExpression:
        `${celMatches('self', '[0-9]$')} ? ` +
        `${celText("port '")} + self.find('[0-9]*$') + ${celText(`' is not valid, ${range}`)} : ` +
        celText(`port is not valid, ${range}`),
    },
    { rule: `!${celMatches('self', `${start}[^:/?#]{254}`)}`, message: SUBDOMAIN_TOO_LONG },
    { rule: celMatches('self', `${start}${SUBDOMAIN_PATTERN}(:[0-9]+)?${end}`), message: SUBDOMAIN_MESSAGE },
  ];
}

const PORT = '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';
