/** A node of a syntax tree (ESTree with TypeScript), as far as the rules of the house look at it. */
export interface Node {
  readonly type: string;
  readonly [part: string]: unknown;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Node>).type === 'string';
}

/** The nodes in a list that is part of `node`. */
export function partsOf(node: Node, part: string): Node[] {
  const parts = node[part];
  return Array.isArray(parts) ? parts.filter(isNode) : [];
}

/** What stands directly below `node`, in the order of the text, which is that of evaluation. Types are no part of it. */
export function childrenOf(node: Node): Node[] {
  return Object.entries(node)
    .filter(([part]) => part !== 'parent' && !TYPES.has(part))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

const TYPES = new Set(['typeAnnotation', 'typeArguments', 'typeParameters', 'returnType']);

/** The expression itself, without what changes nothing about its value: parentheses, `as`, `!`, `satisfies`. */
export function bare(node: Node): Node {
  return WRAPPERS.has(node.type) && isNode(node['expression']) ? bare(node['expression']) : node;
}

const WRAPPERS = new Set([
  'ParenthesizedExpression',
  'TSAsExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
  'TSTypeAssertion',
  'ChainExpression',
]);

export function isFunction({ type }: Node): boolean {
  return (
    type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression'
  );
}
