import { clientContract } from './client-contract.ts';
import { startApi } from './api-server.ts';

clientContract('the stand-in', async () => {
  const api = await startApi();
  // Makes versions from before the known history.
  api.compact();
  return { endpoint: api, stop: async () => await api[Symbol.asyncDispose]() };
});
