/** An object of a cluster that names upstreams. */
export interface NamingObject {
  /** Kind, namespace and name: `RegistryConfig team/hub`. */
  readonly id: string;
  /** Place from which the object was read: `document 2`. */
  readonly place: string;
  /** In the order of the object. */
  readonly upstreams: readonly string[];
}

export interface SharedUpstream {
  readonly upstream: string;
  /** The object that names it again, and the position there. */
  readonly object: NamingObject;
  readonly index: number;
  /** The object that was read first. */
  readonly earlier: NamingObject;
}

/**
 * Finds upstreams that several objects name, which a cluster gives to the oldest of them alone (decision 0007). An object that is there twice has no
 * conflict with itself: its later version replaces the other.
 */
export function sharedUpstreams(objects: readonly NamingObject[]): readonly SharedUpstream[] {
  const namedBy = new Map<string, NamingObject>();
  return objects.flatMap((object) =>
    object.upstreams.flatMap((upstream, index): SharedUpstream[] => {
      const earlier = namedBy.get(upstream);
      if (earlier === undefined) namedBy.set(upstream, object);
      return earlier === undefined || earlier.id === object.id ? [] : [{ upstream, object, index, earlier }];
    }),
  );
}

/** Names both objects and says what to do. */
export function sharedUpstreamMessage({ upstream, object, earlier }: SharedUpstream): string {
  return (
    `${upstream} is named by ${described(earlier)} and by ${described(object)}: ` +
    'in a cluster the younger object gets the condition Conflict and no cache or mirror for it; remove it from one of them'
  );
}

/** Describes an object of a cluster by its kind and metadata, as far as they are texts. */
export function objectId(kind: string, metadata: object): string {
  const { namespace, name } = metadata as { readonly namespace?: unknown; readonly name?: unknown };
  const parts = [namespace, name].filter((part) => typeof part === 'string' && part !== '');
  return `${kind} ${parts.join('/') || 'without a name'}`;
}

function described({ id, place }: NamingObject): string {
  return `${id} (${place})`;
}
