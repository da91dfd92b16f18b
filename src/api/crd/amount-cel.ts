import { nonNegativeMessage, RULE_MESSAGES } from '../rules/rule-messages.ts';
import { celMatches, celText, type CelRule } from './cel.ts';

/**
 * Checks that a duration is one that `parseDuration` reads, and not negative. CEL cannot detect a sum above Go's limit of 292 years.
 * CEL's own `duration()` does not help: a text that it cannot read ends the rule with an error instead of the message.
 */
export function durationCel(field: string): readonly CelRule[] {
  const terms = "self.substring(size(self.find('^[-+]?')))";
  const unknown = `${terms}.findAll('[^0-9.]+').filter(unit, !(unit in [${UNITS.map(celText).join(', ')}]))`;
  const inDuration = `self + ${celText('"')}`;
  return [
    {
      rule: celMatches('self', DURATION),
      message: 'time: invalid duration',
      messageExpression:
        `!${celMatches(terms, '^[.]?[0-9]')} ? ${celText('time: invalid duration "')} + ${inDuration} : ` +
        `size(${unknown}) > 0 ? ` +
        `${celText('time: unknown unit "')} + ${unknown}[0] + ${celText('" in duration "')} + ${inDuration} : ` +
        `${celText('time: missing unit in duration "')} + ${inDuration}`,
    },
    { rule: `!${celMatches('self', '^-.*[1-9]')}`, message: nonNegativeMessage(field) },
  ];
}

/** True for a duration above zero, false for a text that is no duration. */
export function positiveDuration(text: string): string {
  return `${celMatches(text, DURATION)} && ${celMatches(text, '^[^-]*[1-9]')}`;
}

/** Checks that a text or number is a Kubernetes quantity above zero. */
export function positiveQuantityCel(): readonly CelRule[] {
  const text = 'string(self)';
  const shaped = `${text} != '' && ${celMatches(text, '^[-+]?[0-9]*([.][0-9]*)?(([eEinumkKMGTP]+[-+]?|[-+])[0-9]*)?$')}`;
  return [
    {
      // Kubernetes reads a suffix without a digit as zero. It is refused here, as in `parseQuantity`.
      rule: `isQuantity(${text}) && ${celMatches(text, '[0-9]')}`,
      message: QUANTITY_SHAPE,
      messageExpression:
        `isQuantity(${text}) ? ${celText('unable to parse numeric part of quantity')} : ` +
        `${shaped} ? ${celText("unable to parse quantity's suffix")} : ${celText(QUANTITY_SHAPE)}`,
    },
    {
      rule: `!isQuantity(${text}) || !${celMatches(text, '[0-9]')} || quantity(${text}).isGreaterThan(quantity('0'))`,
      message: RULE_MESSAGES.positive,
    },
  ];
}

/** Checks, for a map, that the quantity in `field` never shrinks. The field must have a default. */
export function growingQuantityCel(field: string, message: string): CelRule {
  const [size, oldSize] = [`string(self.${field})`, `string(oldSelf.${field})`];
  return {
    rule:
      `!isQuantity(${size}) || !isQuantity(${oldSize}) || ` +
      `!quantity(${size}).isLessThan(quantity(${oldSize}))`,
    message,
    fieldPath: `.${field}`,
  };
}

/** U+00B5 is the micro sign, U+03BC the Greek letter. */
const UNITS = ['ns', 'us', '\u00b5s', '\u03bcs', 'ms', 's', 'm', 'h'];

const DURATION = `^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(${UNITS.join('|')}))+)$`;

const QUANTITY_SHAPE =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
