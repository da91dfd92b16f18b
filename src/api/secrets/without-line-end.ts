/** Editors and `echo` end files with a line break, which belongs to neither name nor password. Other white space does. */
export function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
