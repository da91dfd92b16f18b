/** Reads the Prometheus text format, as much of it as tests need. */

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metrics {
  readonly series: readonly Series[];
  /** Sum of all series of this name that have (at least) these labels; 0 when there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** True when the name appears, with a series or only with its `# TYPE`. */
  declares(name: string): boolean;
}

/** Parses one exposition. Lines that are no sample and no comment are an error. */
export function parseMetrics(text: string): Metrics {
  const series: Series[] = [];
  const declared = new Set<string>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const type = /^# TYPE (\S+)/.exec(line)?.[1];
    if (type !== undefined) declared.add(type);
    if (line.startsWith('#')) continue;
    const sample = parseSample(line);
    declared.add(sample.name);
    series.push(sample);
  }
  return {
    series,
    sum: (name, labels = {}) =>
      series
        .filter(
          (one) =>
            one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
        )
        .reduce((sum, one) => sum + one.value, 0),
    declares: (name) => declared.has(name),
  };
}

function parseSample(line: string): Series {
  const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? +(\S+)/.exec(line) ?? [];
  if (name === undefined || value === undefined)
    throw new Error(`this is no line of Prometheus text: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text = '']) => [
    key,
    unescape(text),
  ]);
  return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: parseValue(value) };
}

function parseValue(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}
