import { Agent, fetch } from 'undici';
import type { Probe } from './node-registries.ts';

const LIMIT_MS = 1_000;

/** Probes as Gardener's node agent does: GET on the host, 1 s, with any certificate, and any answer counts (gardener v1.149.3). */
export const probeByHttp: Probe = async (url, signal) => {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  try {
    const answer = await fetch(url, {
      dispatcher,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    });
    await answer.body?.cancel();
  } finally {
    await dispatcher.destroy();
  }
};
