// Checks an installation from inside the cluster, for `helm test`: the operator is available, every node that should have an
// agent has a ready one, and every cache answers at the address that nodes use. Repeats what fails until the time is over.
// Its argument is that time in seconds.
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const ANSWER_LIMIT_MS = 10_000;
const PAUSE_MS = 1000;

const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
const namespace = readFileSync(`${ACCOUNT}/namespace`, 'utf8').trim();
const end = performance.now() + Number(process.argv[1]) * 1000;

process.exitCode = await main();

async function main() {
  for (;;) {
    const results = await check();
    const passed = results.every(({ ok }) => ok);
    if (!passed && performance.now() < end) {
      await delay(PAUSE_MS);
      continue;
    }
    for (const { ok, text } of results) console.log(`${ok ? 'ok  ' : 'FAIL'} ${text}`);
    return passed ? 0 : 1;
  }
}

async function check() {
  const fixed = await Promise.all([attempt('operator', operator), attempt('node agents', nodeAgents)]);
  return [...fixed, ...(await caches())];
}

async function operator() {
  const { metadata, spec, status } = await kubernetes('/apis/apps/v1', 'deployments/larder-operator');
  const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const isCurrent = observedGeneration >= metadata.generation && updatedReplicas === spec.replicas;
  return {
    ok: isCurrent && availableReplicas >= spec.replicas,
    text: `operator: ${availableReplicas} of ${spec.replicas} available`,
  };
}

async function nodeAgents() {
  const { status } = await kubernetes('/apis/apps/v1', 'daemonsets/larder-node-agent');
  const { desiredNumberScheduled, numberReady } = status;
  return {
    ok: desiredNumberScheduled > 0 && numberReady >= desiredNumberScheduled,
    text: `node agents: ${numberReady} of ${desiredNumberScheduled} ready`,
  };
}

/** The addresses are those that nodes read. Without a cache there is no such ConfigMap. */
async function caches() {
  let document = {};
  try {
    const { data } = await kubernetes('/api/v1', 'configmaps/larder-nodes');
    document = JSON.parse(data['nodes.json']);
  } catch (error) {
    if (error.statusCode !== 404) return [{ ok: false, text: `caches: ${reason(error)}` }];
  }
  const { caches: all = [], ca } = document;
  if (all.length === 0) return [{ ok: true, text: 'caches: none yet, create a RegistryConfig' }];
  return Promise.all(all.map((one) => attempt(`cache of ${one.upstream}`, () => cache(one, ca))));
}

/** 401 is an answer too: some caches want a login. */
async function cache({ upstream, endpoint, serverName }, ca) {
  const { statusCode } = await get(`${endpoint}/v2/`, { ca, servername: serverName });
  return {
    ok: statusCode === 200 || statusCode === 401,
    text: `cache of ${upstream}: status ${statusCode} from ${endpoint}`,
  };
}

async function attempt(name, run) {
  try {
    return await run();
  } catch (error) {
    return { ok: false, text: `${name}: ${reason(error)}` };
  }
}

/** An object of the release's namespace. Throws an `Error` with the `statusCode` of any other answer. */
async function kubernetes(api, path) {
  const authorization = `Bearer ${readFileSync(`${ACCOUNT}/token`, 'utf8').trim()}`;
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}${api}/namespaces/${namespace}/${path}`;
  const ca = readFileSync(`${ACCOUNT}/ca.crt`, 'utf8');
  const { statusCode, body } = await get(url, { ca, headers: { authorization } });
  if (statusCode === 200) return JSON.parse(body);
  throw Object.assign(new Error(`the API server answered ${statusCode} for ${path}`), { statusCode });
}

function get(url, options) {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
    send(url, { agent: false, signal, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => resolve({ statusCode: response.statusCode, body })).on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}

function reason(error) {
  return error.name === 'AbortError' ? `no answer in ${ANSWER_LIMIT_MS / 1000} s` : error.message;
}
