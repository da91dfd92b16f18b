import type { NodeCounts } from '../../api/status/status-fields.ts';

/** `amount` with two significant digits, rounded down. With all digits, each pull would change the status, and each change is a write. */
export function roundForStatus(amount: number): number {
  if (amount < 100) return Math.floor(amount);
  const step = 10 ** (Math.floor(Math.log10(amount)) - 1);
  return Math.floor(amount / step) * step;
}

/** Nodes that use all upstreams of an object, of all nodes that should: `5/5`. */
export function nodesText(nodes: readonly NodeCounts[]): string {
  if (nodes.length === 0) return '0/0';
  const configured = Math.min(...nodes.map((one) => one.configured));
  return `${configured}/${Math.max(...nodes.map((one) => one.total))}`;
}
