import type { Origin } from '../image/oci-image.ts';
import type { Forge } from './forge.ts';

/** Something that the release consists of: a file, or the manifest of an image or chart. */
export interface Artifact {
  readonly name: string;
  /** `sha256:...`. */
  readonly digest: string;
}

/** Source, forge and times of a build. */
export interface Build {
  readonly origin: Origin;
  readonly forge: Forge | undefined;
  readonly started: Date;
  readonly finished: Date;
}

/** Says how artifacts were built. */
export interface Statement {
  readonly _type: string;
  readonly subject: readonly object[];
  readonly predicateType: string;
  readonly predicate: object;
}

/** The statement about these artifacts (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md). */
export function statementOf(artifacts: readonly Artifact[], build: Build): Statement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: artifacts.map(({ name, digest }) => ({
      name,
      digest: { sha256: digest.replace('sha256:', '') },
    })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: predicateOf(build),
  };
}

/** SLSA provenance v1 (https://slsa.dev/spec/v1.0/provenance), the same for every artifact of a release. */
function predicateOf({ origin, forge, started, finished }: Build): object {
  const { buildDefinition, builder, invocationId } =
    forge === undefined ? localBuild(origin) : workflowBuild(origin, forge);
  const metadata = {
    ...(invocationId !== undefined && { invocationId }),
    startedOn: started.toISOString(),
    finishedOn: finished.toISOString(),
  };
  return { buildDefinition, runDetails: { builder: { id: builder }, metadata } };
}

interface Described {
  readonly buildDefinition: object;
  readonly builder: string;
  readonly invocationId?: string;
}

/** A run of a workflow (https://github.com/actions/buildtypes/tree/main/workflow/v1). */
function workflowBuild({ revision }: Origin, forge: Forge): Described {
  const { server, repository, ref, workflowRef } = forge;
  const ownName = repository.slice(server.length + 1);
  return {
    buildDefinition: {
      buildType: 'https://actions.github.io/buildtypes/workflow/v1',
      externalParameters: {
        workflow: { ref, repository, path: workflowRef.slice(ownName.length + 1, -ref.length - 1) },
      },
      internalParameters: {
        github: {
          event_name: forge.event,
          repository_id: forge.repositoryId,
          repository_owner_id: forge.ownerId,
          runner_environment: forge.runnerEnvironment,
        },
      },
      resolvedDependencies: [{ uri: `git+${repository}@${ref}`, digest: { gitCommit: revision } }],
    },
    builder: `${server}/${workflowRef}`,
    invocationId: forge.invocation,
  };
}

/** A rehearsal, which nobody should trust. It says no more than which commit was checked out. */
function localBuild({ version, revision }: Origin): Described {
  return {
    buildDefinition: { buildType: 'urn:larder:release:v1', externalParameters: { version, revision } },
    builder: 'urn:larder:unknown-builder',
  };
}
