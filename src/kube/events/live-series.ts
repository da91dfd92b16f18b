import { createHash } from 'node:crypto';
import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import { microTime } from '../time.ts';
import type { EventSeries, Occurrence, Regarding, Reporter } from './event.ts';

/** A series ends after this time without another occurrence (client-go, `tools/events`: 6 minutes). */
const ENDS_AFTER_MS = 360_000;
const REMEMBERED = 4096;
/** A DNS subdomain has 253 characters, of which the suffix takes 17. */
const LONGEST_NAME = 236;

/** Equal occurrences of one object: one Event with a count. */
export interface Series {
  readonly regarding: Regarding;
  readonly occurrence: Occurrence;
  readonly firstAt: number;
  /** Name of the Event. Replaced when the Event is gone. */
  name: string;
  /** True once the API server has the Event. */
  exists: boolean;
  count: number;
  lastAt: number;
  /** Time on the monotonic clock. */
  seenAt: number;
}

/** The series that have not ended, at most 4096. */
export interface LiveSeries {
  /** Counts the occurrence and returns its series. */
  count(regarding: Regarding, occurrence: Occurrence): Series;
  /** Gives the Event of `series` a new, unused name. */
  rename(series: Series): void;
}

export function createLiveSeries(clock: Clock, reporter: Reporter): LiveSeries {
  const live = createRecentMap<string, Series>(REMEMBERED);
  let named = 0;

  function freshName({ name }: Regarding): string {
    const seed = JSON.stringify([reporter.reportingInstance, clock.now(), ++named]);
    const hash = createHash('sha256').update(seed).digest('hex').slice(0, 16);
    return `${name.slice(0, LONGEST_NAME)}.${hash}`;
  }

  function begin(regarding: Regarding, occurrence: Occurrence): Series {
    const times = { firstAt: clock.now(), lastAt: clock.now(), seenAt: clock.monotonic() };
    return { regarding, occurrence, name: freshName(regarding), exists: false, count: 0, ...times };
  }

  return {
    count(regarding, occurrence) {
      const { type, reason, action, note } = occurrence;
      const { kind, namespace, name, uid } = regarding;
      const key = JSON.stringify([kind, namespace, name, uid, type, reason, action, note]);
      const known = live.get(key);
      const ended = known === undefined || clock.monotonic() - known.seenAt > ENDS_AFTER_MS;
      const series = ended ? begin(regarding, occurrence) : known;
      if (ended) live.set(key, series);
      series.count += 1;
      series.lastAt = clock.now();
      series.seenAt = clock.monotonic();
      return series;
    },
    rename(series) {
      series.name = freshName(series.regarding);
      series.exists = false;
    },
  };
}

/** `series` field of the Event. Undefined after a single occurrence. */
export function seriesField({ count, lastAt }: Series): EventSeries | undefined {
  return count === 1 ? undefined : { count, lastObservedTime: microTime(lastAt) };
}
