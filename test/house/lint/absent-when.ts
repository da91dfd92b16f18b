import { bare, isNode, type Node } from './tree.ts';

/** Result of `test` that shows that `name` is absent: true for `name === undefined`. Undefined if `test` does not compare `name`. */
export function absentWhen(test: Node, name: string): boolean | undefined {
  const node = bare(test);
  const isIt = (part: unknown): boolean =>
    isNode(part) && bare(part).type === 'Identifier' && bare(part)['name'] === name;
  if (isIt(node)) return false;
  if (node.type === 'UnaryExpression' && node['operator'] === '!' && isIt(node['argument'])) return true;
  if (node.type !== 'BinaryExpression' || !isIt(node['left']) || !isNothing(node['right'])) return undefined;
  switch (node['operator']) {
    case '===':
    case '==':
      return true;
    case '!==':
    case '!=':
      return false;
    default:
      return undefined;
  }
}

function isNothing(node: unknown): boolean {
  if (!isNode(node)) return false;
  return node.type === 'Identifier' ? node['name'] === 'undefined' : node['value'] === null;
}
