/** Steps of a history. fast-check draws lists of them. */
import * as fc from 'fast-check';

export const REPOSITORIES = ['one', 'two'] as const;
export const USERS = ['alice', 'bob'] as const;
const CALLERS = ['anonymous', 'alice', 'bob', 'wrong'] as const;
const CONTENTS = ['tag', 'digest', 'config', 'shared', 'own', 'referrers', 'tags'] as const;
const METHODS = ['GET', 'HEAD', 'range'] as const;

export type RepositoryName = (typeof REPOSITORIES)[number];
export type User = (typeof USERS)[number];

/** A caller asks for content. `image` is the number of the image, 0 to 2. */
export interface Ask {
  readonly do: 'ask';
  /** `wrong`: a caller with alice's name and another password. */
  readonly who: (typeof CALLERS)[number];
  readonly repository: RepositoryName;
  readonly content: (typeof CONTENTS)[number];
  readonly image: number;
  readonly method: (typeof METHODS)[number];
}

export type Step =
  | Ask
  /** An image is pushed, and the tag points to it. */
  | { readonly do: 'push'; readonly repository: RepositoryName; readonly image: number }
  /** A right is granted, or withdrawn with all tokens of the user. */
  | { readonly do: 'grant' | 'revoke'; readonly repository: RepositoryName; readonly user: User }
  /** A repository becomes public, or private. */
  | { readonly do: 'open' | 'close'; readonly repository: RepositoryName }
  /** A password changes. The user may not know the new one yet. */
  | { readonly do: 'password'; readonly user: User; readonly userKnows: boolean }
  /** All tokens expire; enough time passes for all proofs to end; a large blob evicts stored content; and so on. */
  | { readonly do: 'expire' | 'outlive' | 'evict' | 'restart' | 'down' | 'up' };

const repository = fc.constantFrom(...REPOSITORIES);
const user = fc.constantFrom(...USERS);
const image = fc.nat(2);
const userKnows = fc.boolean();
const who = fc.constantFrom(...CALLERS);
const content = fc.constantFrom(...CONTENTS);
const method = fc.constantFrom(...METHODS);

/** `weight` of one kind of step among the others. */
function weighed<const T extends Step['do'], U extends object>(
  weight: number,
  kind: T,
  parts: { [Name in keyof U]: fc.Arbitrary<U[Name]> },
) {
  const arbitrary = fc.record({ ...parts, do: fc.constant(kind) }) as fc.Arbitrary<U & { do: T }>;
  return { weight, arbitrary };
}

const step: fc.Arbitrary<Step> = fc.oneof(
  weighed(48, 'ask', { who, repository, content, image, method }),
  weighed(3, 'push', { repository, image }),
  weighed(2, 'grant', { repository, user }),
  weighed(3, 'revoke', { repository, user }),
  weighed(2, 'open', { repository }),
  weighed(3, 'close', { repository }),
  weighed(2, 'password', { user, userKnows }),
  weighed(2, 'expire', {}),
  weighed(2, 'outlive', {}),
  weighed(1, 'evict', {}),
  weighed(1, 'restart', {}),
  weighed(1, 'down', {}),
  // Frequent, so that the cache seldom stops asking the upstream, which costs seconds each time.
  weighed(8, 'up', {}),
);

/** Histories of up to 80 steps, most of them questions. */
export const histories: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 80, size: 'max' });
