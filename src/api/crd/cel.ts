/** A rule of `x-kubernetes-validations`: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules */
export interface CelRule {
  /** True for a good value, `self`. With `oldSelf` in it, it is asked on updates only. */
  readonly rule: string;
  readonly message: string;
  /** The message where it names the value; where it cannot be computed, `message` is shown. */
  readonly messageExpression?: string;
  /** Which kind of field error it is; invalid when left out. Of a duplicate the message would not be shown. Since Kubernetes 1.28, like `fieldPath`. */
  readonly reason?: 'FieldValueRequired' | 'FieldValueForbidden';
  /** The field to blame, from the one that has the rule: `.ttl`. */
  readonly fieldPath?: string;
}

/** A text as a CEL literal. */
export function celText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** True when `text`, an expression, matches: RE2 syntax, unanchored. */
export function celMatches(text: string, pattern: string): string {
  return `${text}.matches(${celText(pattern)})`;
}

/** For a map: its list `field` has at least one entry. On the list itself nothing would be asked when it is left out. */
export function someOf(field: string, message: string): CelRule {
  return {
    rule: `has(self.${field}) && size(self.${field}) > 0`,
    message,
    reason: 'FieldValueRequired',
    fieldPath: `.${field}`,
  };
}
