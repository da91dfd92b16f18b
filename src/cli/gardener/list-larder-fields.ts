import type { LarderFieldsReport } from '../../gardener/list-larder-fields.ts';
import { keepAlive, systemClock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { createLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import type { CommandIo } from '../command.ts';
import { EXIT } from '../exit.ts';
import { boolFlag, type GoValues } from '../go-flags/go-flag.ts';
import { counted } from '../units.ts';
import { logOptions } from './manager-flags.ts';
import { restConnection, type REST_FLAGS } from './rest-flags.ts';

/** Flag of the command that lists and ends. */
export const LIST_FLAG = {
  listLarderFields: boolFlag('list-larder-fields', {
    standard: false,
    usage:
      'Lists the Shoots of the seed that use fields which the Go extension refuses, and exits: with 0 if there are none.',
  }),
};

type Values = GoValues<typeof REST_FLAGS> & Parameters<typeof logOptions>[0];

/**
 * Prints the Shoots with fields that only Larder has. Needs no flag but those of the connection, and changes nothing. Returns 0 if there are
 * none, else 1, so that a script stops.
 */
export async function listShootsWithLarderFields(values: Values, io: CommandIo): Promise<number> {
  using _alive = keepAlive();
  const stopping = new AbortController();
  const { signal } = stopping;
  const logger = createLogger(logOptions(values), (line) => io.err(line));
  const deps = { clock: systemClock, logger, signal };
  const [{ listLarderFields }, { programClients }, { declareKubeMetrics }] = await Promise.all([
    import('../../gardener/list-larder-fields.ts'),
    import('../../kube/client/program-clients.ts'),
    import('../../kube/metrics.ts'),
  ]);
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const connect = programClients(
    { clock: systemClock, metrics },
    { program: 'extension', version: io.version },
  );
  const client = connect(await restConnection(values, io, deps));
  const forgetSignals = io.onSignal((name) =>
    stopping.abort(new LarderError('SHUTTING_DOWN', `ended by ${name}`)),
  );
  try {
    const report = await listLarderFields(client, signal);
    io.out(textOf(report));
    return report.found.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    forgetSignals();
    stopping.abort();
    await client.close();
  }
}

function textOf({ found, shoots }: LarderFieldsReport): string {
  if (found.length === 0)
    return `No Shoot of this seed uses a field that only Larder has: ${counted(shoots, 'Shoot')} read.\n`;
  const rows = found.map(({ namespace, shoot, fields }) => [namespace, shoot ?? '-', fields.join(', ')]);
  const summary = `The Go extension refuses these fields, of ${found.length} of ${counted(shoots, 'Shoot')}.`;
  return `${table([['NAMESPACE', 'SHOOT', 'FIELDS'], ...rows])}\n${summary}\n`;
}

/** Aligns all columns but the last. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('   ');
  return rows.map((row) => `${line(row)}\n`).join('');
}
