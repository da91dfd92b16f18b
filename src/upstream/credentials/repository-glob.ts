/**
 * Compiles a repository glob of `caches[].credentials[]`. `*` stands for any characters within one path component, `**` for any characters
 * at all, everything else for itself. The whole name must match: `team/**` matches `team/a/b`, but not `team`.
 */
export function repositoryGlob(glob: string): (repository: string) => boolean {
  const parts = glob.split(/\*{2,}/).map((part) =>
    part
      .split('*')
      .map((text) => RegExp.escape(text))
      .join('[^/]*'),
  );
  const pattern = new RegExp(`^${parts.join('.*')}$`, 's');
  return (repository) => pattern.test(repository);
}
