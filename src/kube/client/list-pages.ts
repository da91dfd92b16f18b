import { isExpired } from '../kube-error.ts';
import type { KubeList, KubeObject } from '../types.ts';
import type { Page } from './decode.ts';

/** Which page: parameters of the request. */
export interface PageQuery {
  readonly limit?: string;
  readonly continue?: string;
}

/**
 * A whole list, as of one version, by pages of 500 (client-go's). A page whose token has expired means that the state it belongs to is
 * gone: the list starts over, and the third time asks for everything at once, which cannot expire.
 */
export async function listPages<T extends KubeObject>(
  fetchPage: (query: PageQuery) => Promise<Page<T>>,
): Promise<KubeList<T>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await once(fetchPage, tries < WHOLE_AT ? { limit: '500' } : {});
    } catch (error) {
      if (!isExpired(error) || tries === WHOLE_AT) throw error;
    }
  }
}

const WHOLE_AT = 3;

async function once<T extends KubeObject>(
  fetchPage: (query: PageQuery) => Promise<Page<T>>,
  query: PageQuery,
): Promise<KubeList<T>> {
  let page = await fetchPage(query);
  const items = [...page.items];
  while (page.continueToken !== undefined) {
    page = await fetchPage({ ...query, continue: page.continueToken });
    items.push(...page.items);
  }
  return { items, resourceVersion: page.resourceVersion };
}
