/** A rule of `x-kubernetes-validations`: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules */
export interface CelRule {
  /** True if the value, `self`, is valid. A rule that contains `oldSelf` is evaluated on updates only. */
  readonly rule: string;
  readonly message: string;
  /** An expression for a message that names the value. `message` is shown if it fails. */
  readonly messageExpression?: string;
  /** The kind of field error; "invalid" if left out. A "duplicate" would hide the message. Since Kubernetes 1.28, like `fieldPath`. */
  readonly reason?: 'FieldValueRequired' | 'FieldValueForbidden';
  /** The field that the error names, relative to the field with the rule: `.ttl`. */
  readonly fieldPath?: string;
}

/** Writes a text as a CEL literal. */
export function celText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Tests if `text`, an expression, matches `pattern`: RE2 syntax, unanchored. */
export function celMatches(text: string, pattern: string): string {
  return `${text}.matches(${celText(pattern)})`;
}

/** Checks, for a map, that its list `field` has an entry. A rule on the list itself is not evaluated if the list is left out. */
export function someOf(field: string, message: string): CelRule {
  return {
    rule: `has(self.${field}) && size(self.${field}) > 0`,
    message,
    reason: 'FieldValueRequired',
    fieldPath: `.${field}`,
  };
}
