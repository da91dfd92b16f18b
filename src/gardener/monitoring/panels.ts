/** A panel of Plutono. */
export interface Panel {
  /** Units of the grid. */
  readonly width: number;
  readonly height: number;
  readonly content: object;
}

/** A query of Prometheus, and the name of each of its series. */
export interface PanelQuery {
  readonly expr: string;
  readonly legend: string;
}

/** A heading over the panels that follow. */
export function rowPanel(title: string): Panel {
  return { width: 24, height: 1, content: { type: 'row', title } };
}

/** Shows the last value of a query in bytes, a third of a line wide. */
export function statPanel(title: string, description: string, query: PanelQuery): Panel {
  const reduceOptions = { calcs: ['lastNotNull'] };
  const content = {
    type: 'stat',
    title,
    description,
    ...queriesOf('decbytes', [query]),
    options: { colorMode: 'value', graphMode: 'none', reduceOptions },
  };
  return { width: 8, height: 6, content };
}

export interface GraphOptions {
  readonly unit: 'decbytes' | 'short';
  readonly width: number;
  /** Changes the names of the series. */
  readonly rename?: { readonly regex: string; readonly renamePattern: string };
}

/** Shows queries over time. */
export function graphPanel(
  title: string,
  { unit, width, rename }: GraphOptions,
  queries: readonly PanelQuery[],
): Panel {
  const content = {
    type: 'graph',
    title,
    ...queriesOf(unit, queries),
    lines: true,
    linewidth: 1,
    fill: 1,
    nullPointMode: 'null',
    legend: { show: true, values: true, current: true, alignAsTable: true, rightSide: true },
    tooltip: { shared: true, sort: 0, value_type: 'individual' },
    xaxis: { mode: 'time', show: true },
    yaxes: [
      { format: unit, min: 0, show: true },
      { format: 'short', show: false },
    ],
    ...(rename !== undefined && { transformations: [{ id: 'renameByRegex', options: rename }] }),
  };
  return { width, height: 8, content };
}

function queriesOf(unit: string, queries: readonly PanelQuery[]) {
  const targets = queries.map(({ expr, legend }, index) => ({
    expr,
    legendFormat: legend,
    format: 'time_series',
    refId: String.fromCodePoint(65 + index),
  }));
  return { datasource: null, targets, fieldConfig: { defaults: { unit }, overrides: [] } };
}
