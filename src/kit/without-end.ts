/** Removes all characters at the end of a text that are among `chars`. Takes linear time, which `/x+$/` does not for any text. */
export function withoutEnd(text: string, chars: string): string {
  let end = text.length;
  while (end > 0 && chars.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
