import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/kit/temp.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { startApi, type ApiServer } from '../../../test/kube/api-server.ts';
import { clientOf, configMap, IN_CONFIG_MAPS } from '../../../test/kube/client.ts';
import { silentLogger, type Logger } from '../../kit/logger.ts';
import { EMPTY_DOCUMENT, type NodeDocument } from '../../fleet/node-document.ts';
import { createConfigMapSource } from './config-map-source.ts';
import { createDocumentCopy, type DocumentCopy } from './document-copy.ts';

const NAMESPACE = 'larder-system';

/** Publishes a document for the nodes. */
function publish(api: ApiServer, revision: string, space = ''): void {
  const cache = {
    upstream: 'quay.io',
    server: 'https://quay.io',
    endpoint: 'http://10.0.0.9:5000',
    serverName: 'q',
  };
  publishText(api, space + JSON.stringify({ revision, caches: [cache] }));
}

function publishText(api: ApiServer, text: string, key = 'nodes.json'): void {
  api.put(IN_CONFIG_MAPS, configMap('larder-nodes', { [key]: text }, NAMESPACE));
}

function remove(api: ApiServer): void {
  api.remove(IN_CONFIG_MAPS, 'larder-nodes', NAMESPACE);
}

/** A running source. `documents` has the result of `read`, then every later document. */
async function follow(api: ApiServer, copyOf?: (logger: Logger) => DocumentCopy) {
  const events: string[] = [];
  const note = (message: string, fields: object = {}): void =>
    void events.push('event' in fields ? String(fields.event) : message);
  let failures = 0;
  const count = (message: string): void => void (failures += message === 'watch failed' ? 1 : 0);
  const ofReflector: Logger = { ...silentLogger, warn: count, debug: count };
  const logger: Logger = { ...silentLogger, warn: note, error: note, with: () => ofReflector };
  const client = clientOf(api);
  const { clock, metrics } = client;
  const copy = copyOf?.(logger);
  const source = createConfigMapSource(
    { client, clock, metrics, logger, random: () => 0.5, copy },
    { namespace: NAMESPACE },
  );
  const documents: (NodeDocument | undefined)[] = [await source.read()];
  const stop = new AbortController();
  const running = source.watch(stop.signal, (document) => documents.push(document));
  const revisions = (): (string | undefined)[] => documents.map((document) => document?.revision);
  return {
    clock,
    documents,
    events,
    revisions,
    /** Waits until the source pauses after this many failures. */
    async failed(times: number) {
      await waitFor(() => failures === times && clock.pending === 1, { what: `${times} failures` });
    },
    async has(...expected: (string | undefined)[]) {
      await waitFor(() => revisions().length >= expected.length, { what: `${expected.length} documents` });
      assert.deepEqual(revisions(), expected);
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('enough'));
      await running;
      await client.close();
    },
  };
}

test('the document comes from the one ConfigMap, and only that one is requested', async () => {
  await using api = await startApi();
  api.put(IN_CONFIG_MAPS, configMap('other', { 'nodes.json': '{"revision":"x"}' }, NAMESPACE));
  publish(api, '1');
  await using source = await follow(api);
  await source.has(undefined, '1');
  publish(api, '2');
  await source.has(undefined, '1', '2');
  for (const { path, query } of api.requests) {
    assert.equal(path, `/api/v1/namespaces/${NAMESPACE}/configmaps`);
    assert.equal(query['fieldSelector'], 'metadata.name=larder-nodes');
  }
});

test('a missing or deleted ConfigMap means that there is nothing to do', async () => {
  await using api = await startApi();
  await using source = await follow(api);
  await source.has(undefined, '');
  assert.deepEqual(source.documents[1], EMPTY_DOCUMENT);
  publish(api, '1');
  await source.has(undefined, '', '1');
  remove(api);
  await source.has(undefined, '', '1', '');
});

test('a document with problems is refused, and the previous one stays in force', async () => {
  await using api = await startApi();
  publish(api, '1');
  await using source = await follow(api);
  await source.has(undefined, '1');
  publishText(api, '{"revision":');
  publishText(api, '{"revision":"2"}', 'other.json');
  await waitFor(() => source.events.length === 2);
  assert.deepEqual(source.events, ['document-refused', 'document-refused']);
  publish(api, '3');
  await source.has(undefined, '1', '3');
});

test('a change of the ConfigMap without a change of its document is ignored', async () => {
  await using api = await startApi();
  publish(api, '1');
  await using source = await follow(api);
  await source.has(undefined, '1');
  publish(api, '1', ' ');
  publish(api, '2');
  await source.has(undefined, '1', '2');
});

test('while the API server has never answered the document is unknown', async () => {
  await using api = await startApi();
  publish(api, '1');
  api.faults.add({ fault: { kind: 'reset' }, times: Infinity });
  await using source = await follow(api);
  for (const times of [1, 2, 3]) {
    await source.failed(times);
    assert.deepEqual(source.revisions(), [undefined]);
    if (times < 3) source.clock.advance(30_000);
  }
  api.faults.clear();
  source.clock.advance(30_000);
  await source.has(undefined, '1');
});

test('a ConfigMap deleted in an outage whose history is lost is noticed afterwards', async () => {
  await using api = await startApi();
  publish(api, '1');
  await using source = await follow(api);
  await source.has(undefined, '1');
  api.faults.add({ fault: { kind: 'expired-event' }, verb: 'watch' });
  remove(api);
  api.compact();
  await source.has(undefined, '1', '');
});

test('an agent that starts while the API server does not answer continues with the last document', async () => {
  using own = tempDir();
  const file = join(own.path, 'state', 'nodes.json');
  const copyOf = (logger: Logger): DocumentCopy => createDocumentCopy(file, logger);
  await using api = await startApi();
  publish(api, '1');
  {
    await using source = await follow(api, copyOf);
    await source.has(undefined, '1');
    publish(api, '2');
    await source.has(undefined, '1', '2');
  }
  assert.equal(statSync(file).mode & 0o777, 0o600);
  api.faults.add({ fault: { kind: 'reset' }, times: Infinity });
  {
    await using source = await follow(api, copyOf);
    await source.has('2');
  }
  api.faults.clear();
  remove(api);
  {
    await using source = await follow(api, copyOf);
    await source.has('2', '');
  }
  // No document to continue with, and nothing is left on the node.
  assert.equal(existsSync(file), false);
  await using source = await follow(api, copyOf);
  await source.has(undefined, '');
});

test('an empty, broken or unwritable copy is the same as none', async () => {
  using own = tempDir();
  await using api = await startApi();
  publish(api, '1');
  const hosts = [{ host: 'https://m.example', ca: '-----BEGIN CERTIFICATE-----' }];
  const withBundleInHost = JSON.stringify({
    revision: '0',
    mirrors: [{ upstream: 'quay.io', server: 'https://quay.io', hosts }],
  });
  for (const [content, events] of [
    ['', []],
    ['{"revision":', ['saved node document ignored']],
    // Written by a release in which each host had its own bundle. Nothing is written without the bundle.
    [withBundleInHost, ['saved node document ignored']],
  ] as const) {
    const file = own.write('nodes.json', content);
    await using source = await follow(api, (logger) => createDocumentCopy(file, logger));
    await source.has(undefined, '1');
    assert.deepEqual(source.events, events);
  }
  const below = join(own.write('no-directory', ''), 'nodes.json');
  await using source = await follow(api, (logger) => createDocumentCopy(below, logger));
  await source.has(undefined, '1');
  await waitFor(() => source.events.includes('cannot save the node document'));
});
