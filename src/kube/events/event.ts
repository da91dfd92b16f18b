import type { KubeObject, OwnerReference, Resource } from '../types.ts';
import { microTime } from '../time.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
export interface KubeEvent extends KubeObject {
  readonly eventTime: string;
  readonly type: 'Normal' | 'Warning';
  /** Why, in CamelCase; from a fixed list. */
  readonly reason: string;
  /** What was done, in CamelCase; from a fixed list. */
  readonly action: string;
  /** For people. */
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

/** What is to be told of an object. */
export type Occurrence = Pick<KubeEvent, 'type' | 'reason' | 'action' | 'note'>;

/** Who tells it. */
export type Reporter = Pick<KubeEvent, 'reportingController' | 'reportingInstance'>;

export const EVENTS: Resource<KubeEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

/** What the API server takes of a note, in bytes. */
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

/** The object that the API server is sent. */
export function eventObject(content: EventContent): KubeEvent {
  const { name, regarding, occurrence, reporter, firstAt, series } = content;
  const bytes = Buffer.from(occurrence.note).subarray(0, LONGEST_NOTE);
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { namespace: eventNamespace(regarding), name },
    eventTime: microTime(firstAt),
    ...occurrence,
    // With `stream`, a character that was cut in two is left out.
    note: new TextDecoder().decode(bytes, { stream: true }),
    ...reporter,
    regarding,
    ...(series !== undefined && { series }),
  };
}

/** Events of what has no namespace live in `default`, where kubectl looks for them. */
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
