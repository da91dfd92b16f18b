import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const GUIDE = fileURLToPath(new URL('../../docs/guide/kubernetes.md', import.meta.url));
export const SHOOT_GUIDE = fileURLToPath(new URL('../../docs/guide/shoot.md', import.meta.url));

/** Writes recordings of terminals into a guide. */
export interface Recorder {
  /** Writes `terminal` between `<!-- recorded: NAME -->` and `<!-- /recorded -->` of the guide, if recording is on. */
  record(name: string, terminal: string): void;
}

export function createRecorder(writes: boolean, page = GUIDE): Recorder {
  return {
    record(name, terminal) {
      if (!writes) return;
      const guide = readFileSync(page, 'utf8');
      const place = new RegExp(`(<!-- recorded: ${name} -->\n).*?(<!-- /recorded -->)`, 's');
      if (!place.test(guide)) throw new Error(`${page} has no place for the recording ${name}`);
      const block = `\`\`\`text\n${terminal.trimEnd()}\n\`\`\`\n`;
      writeFileSync(
        page,
        guide.replace(place, (_, begin: string, end: string) => begin + block + end),
      );
    },
  };
}
