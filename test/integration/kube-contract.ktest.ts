import { clientContract } from '../kube/client-contract.ts';
import { startRealApi } from '../kube/real-api.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

clientContract(
  'a real API server',
  async () => {
    const api = await startRealApi();
    return { endpoint: api.endpoint, stop: async () => await api[Symbol.asyncDispose]() };
  },
  requireParts(GROUPS.api),
);
