import type { RuleTester } from 'oxlint/plugins-dev';
import { outcomeOf } from './promise-paths.ts';
import { isNode, partsOf, type Node } from './tree.ts';

type Rule = Parameters<RuleTester['run']>[1];

/**
 * A promise that a function is given is awaited, returned, given a handler or passed on before any path can leave the function: by
 * `return`, `throw`, another `await`, or at its end. Otherwise its failure is nobody's, and an unhandled rejection ends the process.
 *
 * Only parameters whose type says `Promise` or `PromiseLike` are looked at.
 */
export const observedPromises: Rule = {
  meta: {
    type: 'problem',
    messages: {
      left: 'This may leave before `{{name}}` was awaited, returned, given a handler or passed on: its failure would be nobody’s.',
      never:
        'Nobody awaits, returns or passes on `{{name}}`, or gives it a handler: its failure is nobody’s.',
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

/** The names of a parameter that stand for promises: itself, or what it is taken apart into. */
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

/** By the words of the type: `Promise<T>`, `PromiseLike<T>`, also as one of several. */
function isPromise(type: unknown): boolean {
  if (!isNode(type)) return false;
  if (type.type === 'TSUnionType') return partsOf(type, 'types').some(isPromise);
  if (type.type !== 'TSTypeReference') return false;
  const name = (type['typeName'] as Node)['name'];
  return name === 'Promise' || name === 'PromiseLike';
}
