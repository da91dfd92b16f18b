import { absentWhen } from './absent-when.ts';
import { bare, childrenOf, isFunction, isNode, partsOf, type Node } from './tree.ts';

/** Fate of a promise: observed, not observed yet (`open`), or the node that may leave the function before. */
export type Outcome = 'observed' | 'open' | Node;

/**
 * Follows the body of a function, which may be an expression, in the order of execution, and finds the fate of the promise `name`. Code
 * that may be skipped can leave the function, but does not observe the promise. Calls that throw are ignored.
 */
export function outcomeOf(body: Node, name: string): Outcome {
  return body.type === 'BlockStatement' ? along(body, name) : value(body, name);
}

/** Outcome of a value that is awaited or passed on. */
function value(expression: Node, name: string): Outcome {
  return hands(expression, name) ? 'observed' : along(expression, name);
}

function along(node: Node, name: string): Outcome {
  const part = (key: string): Node | undefined => (isNode(node[key]) ? node[key] : undefined);
  const run = (key: string): Outcome => (node[key] ? along(node[key] as Node, name) : 'open');
  switch (node.type) {
    case 'ReturnStatement':
    case 'AwaitExpression':
    case 'YieldExpression':
      return first(part('argument') ? value(node['argument'] as Node, name) : 'open', () => node);
    case 'ThrowStatement':
      return first(run('argument'), () => node);
    case 'CallExpression':
    case 'NewExpression':
      return call(node, name);
    case 'IfStatement':
    case 'ConditionalExpression':
      return fork(part('test'), part('consequent'), part('alternate'), name);
    case 'LogicalExpression':
      return node['operator'] === '&&'
        ? fork(part('left'), part('right'), undefined, name)
        : fork(part('left'), undefined, part('right'), name);
    case 'SwitchStatement':
      return first(run('discriminant'), () => perhaps(each(partsOf(node, 'cases'), name)));
    case 'ForStatement':
    case 'WhileStatement':
      return first(run('init'), () =>
        first(run('test'), () => (isEndless(node) ? run('body') : perhaps(run('body')))),
      );
    case 'ForInStatement':
    case 'ForOfStatement':
      return first(run('right'), () => (node['await'] === true ? node : perhaps(run('body'))));
    case 'TryStatement':
      return first(run('block'), () => first(perhaps(run('handler')), () => run('finalizer')));
    default:
      return isFunction(node) ? 'open' : each(childrenOf(node), name);
  }
}

function first(outcome: Outcome, next: () => Outcome): Outcome {
  return outcome === 'open' ? next() : outcome;
}

function each(nodes: readonly Node[], name: string): Outcome {
  return nodes.reduce<Outcome>((outcome, node) => first(outcome, () => along(node, name)), 'open');
}

function perhaps(outcome: Outcome): Outcome {
  return outcome === 'observed' ? 'open' : outcome;
}

/** Outcome of a branch, for which both ways count. A way on which the promise is absent counts as observed. */
function fork(
  test: Node | undefined,
  whenTrue: Node | undefined,
  whenFalse: Node | undefined,
  name: string,
): Outcome {
  if (test === undefined) return 'open';
  const absent = absentWhen(test, name);
  const way = (node: Node | undefined, taken: boolean): Outcome =>
    absent === taken ? 'observed' : node === undefined ? 'open' : along(node, name);
  return first(along(test, name), () => {
    const [yes, no] = [way(whenTrue, true), way(whenFalse, false)];
    if (isNode(yes)) return yes;
    return isNode(no) || yes === 'observed' ? no : 'open';
  });
}

/** Outcome of a call: the callee is evaluated first, then the arguments. The function in `new Promise(...)` runs at once. */
function call(node: Node, name: string): Outcome {
  const callee = bare(node['callee'] as Node);
  const parts = partsOf(node, 'arguments');
  if (callee.type === 'MemberExpression' && hands(callee['object'] as Node, name)) {
    const method = (callee['property'] as Node)['name'];
    if (HANDLERS.has(String(method))) return 'observed';
  }
  return first(each([callee, ...parts], name), () => {
    if (parts.some((argument) => hands(argument, name))) return 'observed';
    const [executor] = parts;
    const isPromise = node.type === 'NewExpression' && callee['name'] === 'Promise';
    return isPromise && executor && isFunction(executor) ? outcomeOf(executor['body'] as Node, name) : 'open';
  });
}

const HANDLERS = new Set(['then', 'catch', 'finally']);

/** True if the value is the promise, or a list or object that contains the promise. */
function hands(expression: Node, name: string): boolean {
  const node = bare(expression);
  switch (node.type) {
    case 'Identifier':
      return node['name'] === name;
    case 'ArrayExpression':
      return partsOf(node, 'elements').some((element) => hands(element, name));
    case 'ObjectExpression':
      return partsOf(node, 'properties').some(
        (property) => isNode(property['value']) && hands(property['value'], name),
      );
    case 'LogicalExpression':
      return node['operator'] !== '&&' && hands(node['left'] as Node, name);
    default:
      return false;
  }
}

/** True for `for (;;)` and `while (true)`, whose body runs at least once. */
function isEndless({ test }: Node): boolean {
  return !isNode(test) || test['value'] === true;
}
