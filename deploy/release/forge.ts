/** The workflow run that makes the release, as a forge describes it (GitHub's default variables). */
export interface Forge {
  /** Address of the repository, for people. */
  readonly repository: string;
  readonly owner: string;
  readonly server: string;
  /** `refs/tags/v1.2.3`. */
  readonly ref: string;
  /** `owner/name/.github/workflows/file.yml@ref`. */
  readonly workflowRef: string;
  /** Address of this attempt of the run. */
  readonly invocation: string;
  readonly runnerEnvironment: string;
  readonly event: string;
  readonly repositoryId: string;
  readonly ownerId: string;
}

/** Reads the variables of a workflow run; undefined outside of one. Throws an `Error` that names a missing variable. */
export function forgeOf(environment: Readonly<Record<string, string | undefined>>): Forge | undefined {
  if (environment['GITHUB_REPOSITORY'] === undefined) return undefined;
  const read = (name: string): string => {
    const value = environment[name];
    if (value === undefined) throw new Error(`${name} is not set, although GITHUB_REPOSITORY is`);
    return value;
  };
  const server = read('GITHUB_SERVER_URL');
  const repository = `${server}/${read('GITHUB_REPOSITORY')}`;
  return {
    repository,
    owner: read('GITHUB_REPOSITORY_OWNER'),
    server,
    ref: read('GITHUB_REF'),
    workflowRef: read('GITHUB_WORKFLOW_REF'),
    invocation: `${repository}/actions/runs/${read('GITHUB_RUN_ID')}/attempts/${read('GITHUB_RUN_ATTEMPT')}`,
    runnerEnvironment: read('RUNNER_ENVIRONMENT'),
    event: read('GITHUB_EVENT_NAME'),
    repositoryId: read('GITHUB_REPOSITORY_ID'),
    ownerId: read('GITHUB_REPOSITORY_OWNER_ID'),
  };
}
