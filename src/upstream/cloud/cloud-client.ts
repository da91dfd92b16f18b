/** The clients of the clouds and the major version that Larder is tested with. `package.json` names them as optional peers. */
export const CLOUD_CLIENTS = {
  '@aws-sdk/client-ecr': 3,
  '@aws-sdk/client-ecr-public': 3,
  '@azure/identity': 4,
  'google-auth-library': 11,
} as const;

export type CloudClient = keyof typeof CLOUD_CLIENTS;

/** Thrown when a configured provider needs a client that is not installed (docs/decisions/0015-clients-of-the-clouds.md). */
export class MissingCloudClient extends Error {
  readonly hint: string;

  constructor(name: CloudClient, cause: unknown) {
    super(`the package ${name} is not installed`, { cause });
    // Node.js remembers that a package is missing for as long as the process runs.
    this.hint = `run: npm install -g ${name}@${CLOUD_CLIENTS[name]}, and restart Larder`;
  }
}

/** Imports a client with `load`. Throws {@link MissingCloudClient}, and what `load` throws for any other reason. */
export async function importCloudClient<T>(name: CloudClient, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw isNotFound(error, name) ? new MissingCloudClient(name, error) : error;
  }
}

/** Node.js names the missing package in quotes. For a damaged client this is a package that the client imports itself. */
function isNotFound(error: unknown, name: CloudClient): boolean {
  return (
    error instanceof Error &&
    (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes(`'${name}'`)
  );
}
