import { z } from 'zod';

const VERSION = z.object({ Path: z.string(), Version: z.string().optional() });
const GO_MOD = z.object({
  Exclude: z.array(VERSION).nullish(),
  Replace: z.array(z.object({ Old: VERSION, New: VERSION })).nullish(),
});

/**
 * Arguments of `go mod edit` that give another go.mod the `exclude` and `replace` lines of this one, which is given as
 * `go mod edit -json` prints it. A module that is replaced by a directory of its own repository stays the published
 * one, in the version that is required: the directory is not part of the download.
 */
export function editsOf(goModJson: string): string[] {
  const { Exclude, Replace } = GO_MOD.parse(JSON.parse(goModJson));
  return [
    ...(Exclude ?? []).map((version) => `-exclude=${nameOf(version)}`),
    ...(Replace ?? [])
      .filter((line) => line.New.Version !== undefined)
      .map((line) => `-replace=${nameOf(line.Old)}=${nameOf(line.New)}`),
  ];
}

function nameOf({ Path, Version }: z.infer<typeof VERSION>): string {
  return Version === undefined ? Path : `${Path}@${Version}`;
}
