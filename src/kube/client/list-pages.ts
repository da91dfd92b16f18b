import { isExpired, KubeError } from '../kube-error.ts';
import type { KubeList, KubeObject } from '../types.ts';
import type { Page } from './decode.ts';

export interface ListLimits {
  /** Most pages of one list. All of them are in memory at once. */
  readonly pages: number;
}

/** Request parameters that select a page. */
export interface PageQuery {
  readonly limit?: string;
  readonly continue?: string;
}

/**
 * Fetches a whole list of one version in pages of 500, like client-go. An expired page token means that the version is gone, and the list
 * starts over. The third time it asks for everything at once, which cannot expire. Throws a `KubeError` after the last page that `limits` allow if there
 * are more.
 */
export async function listPages<T extends KubeObject>(
  fetchPage: (query: PageQuery) => Promise<Page<T>>,
  limits: ListLimits,
): Promise<KubeList<T>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await once(fetchPage, tries < WHOLE_AT ? { limit: '500' } : {}, limits);
    } catch (error) {
      if (!isExpired(error) || tries === WHOLE_AT) throw error;
    }
  }
}

const WHOLE_AT = 3;

async function once<T extends KubeObject>(
  fetchPage: (query: PageQuery) => Promise<Page<T>>,
  query: PageQuery,
  { pages }: ListLimits,
): Promise<KubeList<T>> {
  let page = await fetchPage(query);
  const items = [...page.items];
  for (let fetched = 1; page.continueToken !== undefined; fetched += 1) {
    if (fetched >= pages) {
      const message = `a list has more than ${pages} pages`;
      throw new KubeError(message, { httpStatus: undefined, reason: 'BadAnswer' });
    }
    page = await fetchPage({ ...query, continue: page.continueToken });
    items.push(...page.items);
  }
  return { items, resourceVersion: page.resourceVersion };
}
