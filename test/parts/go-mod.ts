import { z } from 'zod';

const VERSION = z.object({ Path: z.string(), Version: z.string().optional() });
const REPLACEMENT = z.object({ Old: VERSION, New: VERSION });
const GO_MOD = z.object({
  Exclude: z.array(VERSION).nullish(),
  Replace: z.array(REPLACEMENT).nullish(),
});

type Version = z.infer<typeof VERSION>;
type Replacement = z.infer<typeof REPLACEMENT>;

/**
 * Arguments of `go mod edit` that give another go.mod the `exclude` and `replace` lines of this one, which is given as
 * `go mod edit -json` prints it. A module that is replaced by a directory of its own repository stays the published
 * one, since the directory is not part of the download: in version `published`, or in the required one when that is
 * not given.
 */
export function editsOf(goModJson: string, published?: string): string[] {
  const { Exclude, Replace } = GO_MOD.parse(JSON.parse(goModJson));
  const replacementOf = ({ Old, New }: Replacement): Version =>
    New.Version === undefined ? { Path: Old.Path, Version: published } : New;
  return [
    ...(Exclude ?? []).map((version) => `-exclude=${nameOf(version)}`),
    ...(Replace ?? [])
      .map((line) => ({ Old: line.Old, New: replacementOf(line) }))
      .filter(({ New }) => New.Version !== undefined)
      .map(({ Old, New }) => `-replace=${nameOf(Old)}=${nameOf(New)}`),
  ];
}

function nameOf({ Path, Version }: Version): string {
  return Version === undefined ? Path : `${Path}@${Version}`;
}
