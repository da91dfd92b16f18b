import { clientContract } from './client-contract.ts';
import { startApi } from './api-server.ts';

clientContract('the stand-in', async () => {
  const api = await startApi();
  // There is a time before the history that it knows.
  api.compact();
  return { endpoint: api, stop: async () => await api[Symbol.asyncDispose]() };
});
