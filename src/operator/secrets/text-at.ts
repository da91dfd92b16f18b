import type { Secret } from '../cluster/resources.ts';

/** The text of one entry of a Secret; undefined when there is none. */
export function textAt(data: NonNullable<Secret['data']>, entry: string): string | undefined {
  const content = data[entry];
  return content === undefined ? undefined : Buffer.from(content, 'base64').toString('utf8');
}
