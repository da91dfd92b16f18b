/** Node of a syntax tree (ESTree with TypeScript), with the fields that our rules read. */
export interface Node {
  readonly type: string;
  readonly [part: string]: unknown;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Node>).type === 'string';
}

/** Nodes in the list `part` of `node`. */
export function partsOf(node: Node, part: string): Node[] {
  const parts = node[part];
  return Array.isArray(parts) ? parts.filter(isNode) : [];
}

/** Nodes directly below `node`, without types, in the order of the text, which is the order of evaluation. */
export function childrenOf(node: Node): Node[] {
  return Object.entries(node)
    .filter(([part]) => part !== 'parent' && !TYPES.has(part))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

const TYPES = new Set(['typeAnnotation', 'typeArguments', 'typeParameters', 'returnType']);

/** Strips an expression of parentheses, `as`, `!` and `satisfies`, which do not change its value. */
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
