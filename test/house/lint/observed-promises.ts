import type { RuleTester } from 'oxlint/plugins-dev';
import { outcomeOf } from './promise-paths.ts';
import { isNode, partsOf, type Node } from './tree.ts';

type Rule = Parameters<RuleTester['run']>[1];

/**
 * Rule: a function must await or return each promise that it is given, give it a handler, or pass it on, before any path leaves the
 * function by `return`, `throw`, another `await`, or at its end. Otherwise a failure of the promise is not handled, and an unhandled
 * rejection ends the process.
 *
 * The rule checks only parameters whose type names `Promise` or `PromiseLike`.
 */
export const observedPromises: Rule = {
  meta: {
    type: 'problem',
    messages: {
      left: 'This may leave before `{{name}}` was awaited, returned, given a handler or passed on: its failure would not be handled.',
      never: '`{{name}}` is not awaited, returned, given a handler or passed on: its failure is not handled.',
    },
  },
  create(context) {
    const check = (found: unknown): void => {
      const fn = found as Node;
      const body = fn['body'];
      if (!isNode(body)) return;
      for (const { name, node } of partsOf(fn, 'params').flatMap(promisesOf)) {
        const outcome = outcomeOf(body, name);
        if (outcome === 'observed') continue;
        const report =
          outcome === 'open' ? { messageId: 'never', node } : { messageId: 'left', node: outcome };
        context.report({ ...report, node: report.node as never, data: { name } });
      }
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

interface Parameter {
  readonly name: string;
  readonly node: Node;
}

/** Names that a parameter declares for promises: its own name, or those of its destructuring. */
function promisesOf(parameter: Node): Parameter[] {
  const binding = parameter.type === 'AssignmentPattern' ? (parameter['left'] as Node) : parameter;
  const type = (binding['typeAnnotation'] as Node | null | undefined)?.['typeAnnotation'] as Node | undefined;
  if (type === undefined) return [];
  if (binding.type === 'Identifier')
    return isPromise(type) ? [{ name: String(binding['name']), node: binding }] : [];
  if (binding.type !== 'ObjectPattern' || type.type !== 'TSTypeLiteral') return [];
  const promises = new Set(
    partsOf(type, 'members')
      .filter((member) => isPromise((member['typeAnnotation'] as Node | undefined)?.['typeAnnotation']))
      .map((member) => (member['key'] as Node)['name']),
  );
  return partsOf(binding, 'properties').flatMap((property) => {
    const { key, value } = property as Partial<Record<'key' | 'value', Node>>;
    const target = value?.type === 'AssignmentPattern' ? (value['left'] as Node) : value;
    return target?.type === 'Identifier' && promises.has(key?.['name'])
      ? [{ name: String(target['name']), node: target }]
      : [];
  });
}

/** True for a type that is written as `Promise<T>` or `PromiseLike<T>`, also in a union. */
function isPromise(type: unknown): boolean {
  if (!isNode(type)) return false;
  if (type.type === 'TSUnionType') return partsOf(type, 'types').some(isPromise);
  if (type.type !== 'TSTypeReference') return false;
  const name = (type['typeName'] as Node)['name'];
  return name === 'Promise' || name === 'PromiseLike';
}
