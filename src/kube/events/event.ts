import type { KubeObject, OwnerReference, Resource } from '../types.ts';
import { microTime } from '../time.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
export interface KubeEvent extends KubeObject {
  readonly eventTime: string;
  readonly type: 'Normal' | 'Warning';
  /** Cause, in CamelCase, from a fixed list. */
  readonly reason: string;
  /** Action taken, in CamelCase, from a fixed list. */
  readonly action: string;
  /** Text for people. */
  readonly note: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly regarding: Regarding;
  readonly series?: EventSeries;
}

export type Regarding = Pick<OwnerReference, 'apiVersion' | 'kind' | 'name'> & {
  readonly namespace?: string;
  readonly uid?: string;
};

export interface EventSeries {
  readonly count: number;
  readonly lastObservedTime: string;
}

/** One occurrence to report for an object. */
export type Occurrence = Pick<KubeEvent, 'type' | 'reason' | 'action' | 'note'>;

/** Process that reports the Event. */
export type Reporter = Pick<KubeEvent, 'reportingController' | 'reportingInstance'>;

export const EVENTS: Resource<KubeEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

/** Largest note that the API server accepts, in bytes. */
const LONGEST_NOTE = 1024;

export interface EventContent {
  readonly name: string;
  readonly regarding: Regarding;
  readonly occurrence: Occurrence;
  readonly reporter: Reporter;
  /** Milliseconds since the epoch. */
  readonly firstAt: number;
  readonly series: EventSeries | undefined;
}

/** Event object to send to the API server. */
export function eventObject(content: EventContent): KubeEvent {
  const { name, regarding, occurrence, reporter, firstAt, series } = content;
  const bytes = Buffer.from(occurrence.note).subarray(0, LONGEST_NOTE);
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { namespace: eventNamespace(regarding), name },
    eventTime: microTime(firstAt),
    ...occurrence,
    // With `stream`, a character cut in two is dropped.
    note: new TextDecoder().decode(bytes, { stream: true }),
    ...reporter,
    regarding,
    ...(series !== undefined && { series }),
  };
}

/** Events of objects without a namespace live in `default`, where kubectl looks for them. */
export function eventNamespace({ namespace = 'default' }: Regarding): string {
  return namespace;
}

export function regardingOf({ apiVersion, kind, metadata }: KubeObject): Regarding {
  const { namespace, name, uid } = metadata;
  return {
    apiVersion,
    kind,
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
  };
}
