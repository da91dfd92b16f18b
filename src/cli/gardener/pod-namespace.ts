import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Namespace of the pod that this process runs in. Undefined outside of a pod, and in one without a service account. */
export async function podNamespace(): Promise<string | undefined> {
  const { SERVICE_ACCOUNT_DIRECTORY } = await import('../../kube/connection/in-cluster.ts');
  try {
    return (await readFile(join(SERVICE_ACCOUNT_DIRECTORY, 'namespace'), 'utf8')).trim() || undefined;
  } catch {
    return undefined;
  }
}
