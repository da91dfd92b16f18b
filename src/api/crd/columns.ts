import type { ConditionType } from '../status/reasons.ts';
import type { PrinterColumn } from './custom-resource.ts';

/** Does it work, and if not, why? The columns of `kubectl get` that our kinds share, around those of one kind. */
export function printerColumns(own: readonly PrinterColumn[]): readonly PrinterColumn[] {
  return [
    conditionColumn('Ready', 'status', { name: 'Ready', description: 'Whether all of it works.' }),
    conditionColumn('Ready', 'reason', { name: 'Reason', description: 'Why, or why not.' }),
    conditionColumn('Degraded', 'status', {
      name: 'Degraded',
      description: 'Whether something works less well than it should.',
    }),
    ...own,
    conditionColumn('Degraded', 'reason', {
      name: 'Degradation',
      description: 'What works less well than it should.',
      priority: 1,
    }),
    conditionColumn('Conflict', 'status', {
      name: 'Conflict',
      description: 'Whether another object owns one of the upstreams.',
      priority: 1,
    }),
    conditionColumn('Ready', 'message', {
      name: 'Message',
      description: 'Why, or why not, as a sentence.',
      priority: 1,
    }),
    {
      name: 'Age',
      type: 'date',
      jsonPath: '.metadata.creationTimestamp',
      description: 'For how long it has been there.',
    },
  ];
}

/** A column with a text of `status.summary`. */
export function summaryColumn(field: string, name: string, description: string): PrinterColumn {
  return { name, type: 'string', jsonPath: `.status.summary.${field}`, description };
}

function conditionColumn(
  type: ConditionType,
  field: 'status' | 'reason' | 'message',
  { name, ...rest }: Pick<PrinterColumn, 'name' | 'description' | 'priority'>,
): PrinterColumn {
  return { name, type: 'string', jsonPath: `.status.conditions[?(@.type=="${type}")].${field}`, ...rest };
}
