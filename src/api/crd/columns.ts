import type { ConditionType } from '../status/reasons.ts';
import type { PrinterColumn } from './custom-resource.ts';

/** The columns of `kubectl get` that Larder's kinds share, around the columns of one kind. */
export function printerColumns(own: readonly PrinterColumn[]): readonly PrinterColumn[] {
  return [
    conditionColumn('Ready', 'status', { name: 'Ready', description: 'Status of the condition Ready.' }),
    conditionColumn('Ready', 'reason', { name: 'Reason', description: 'Reason of the condition Ready.' }),
    conditionColumn('Degraded', 'status', {
      name: 'Degraded',
      description: 'Status of the condition Degraded.',
    }),
    ...own,
    conditionColumn('Degraded', 'reason', {
      name: 'Degradation',
      description: 'Reason of the condition Degraded.',
      priority: 1,
    }),
    conditionColumn('Conflict', 'status', {
      name: 'Conflict',
      description: 'Status of the condition Conflict.',
      priority: 1,
    }),
    conditionColumn('Ready', 'message', {
      name: 'Message',
      description: 'Message of the condition Ready.',
      priority: 1,
    }),
    {
      name: 'Age',
      type: 'date',
      jsonPath: '.metadata.creationTimestamp',
      description: 'Time since the creation of the object.',
    },
  ];
}

/** A column that shows a text of `status.summary`. */
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
