/* oxlint-disable typescript/no-floating-promises -- the runner awaits what `describe` and `test` return */
/**
 * Guarantees that controllers rely on, as tests for any API server. The stand-in and a real one have to pass the same, and the stand-in is
 * trusted no further. The suite works in the namespaces `default` and `test` on objects whose names begin with `larder-contract-`, and has
 * a kind of its own, widgets.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createObjectStore } from '../../src/kube/informer/object-store.ts';
import { createReflector } from '../../src/kube/informer/reflector.ts';
import {
  isAlreadyExists,
  isConflict,
  isExpired,
  isInvalid,
  isKubeError,
  isNotFound,
} from '../../src/kube/kube-error.ts';
import { metadataOf } from '../../src/kube/objects/metadata-of.ts';
import type { ListQuery, MergePatch, WatchEvent } from '../../src/kube/types.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import { waitFor } from '../kit/wait.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../src/kube/objects/config-maps.ts';
import { configMap, DEPLOYMENTS, realTimeClientOf, type Endpoint } from './client.ts';
import { widget, WIDGETS } from './widgets.ts';

export interface ContractServer {
  readonly endpoint: Endpoint;
  stop(): Promise<void>;
}

const { signal } = new AbortController();
const options = { signal };

/** Declares the suite. The server is started before its first test and stopped after its last. */
export function clientContract(
  what: string,
  start: () => Promise<ContractServer>,
  suite: { readonly skip?: string | false } = {},
): void {
  describe(`the contract of the API client holds for ${what}`, suite, () => {
    let server: ContractServer;
    let client: ReturnType<typeof realTimeClientOf>;
    before(async () => {
      server = await start();
      client = realTimeClientOf(server.endpoint, systemClock);
    });
    after(async () => {
      await client.close();
      await server.stop();
    });

    const newName = (): string => `larder-contract-${randomBytes(4).toString('hex')}`;
    const create = (data: Record<string, string> = {}, more: object = {}): Promise<ConfigMap> => {
      const { metadata, ...rest } = configMap(newName(), data);
      return client.create(CONFIG_MAPS, { ...rest, metadata: { ...metadata, ...more } }, options);
    };
    const get = ({ metadata }: ConfigMap): Promise<ConfigMap> => client.get(CONFIG_MAPS, metadata, options);
    const named = (name: string): ListQuery => ({
      namespace: 'default',
      fieldSelector: `metadata.name=${name}`,
    });

    test('a created object can be read, has a uid and a version, and can be created once', async () => {
      const made = await create({ a: '1' });
      assert.deepEqual([made.kind, made.apiVersion, made.data], ['ConfigMap', 'v1', { a: '1' }]);
      assert.ok(made.metadata.uid && /^\d+$/.test(made.metadata.resourceVersion ?? ''));
      assert.equal((await get(made)).metadata.uid, made.metadata.uid);
      const again = client.create(CONFIG_MAPS, configMap(made.metadata.name), options);
      await assert.rejects(again, (error) => isAlreadyExists(error) && !isConflict(error));
    });

    test('a missing object is NotFound to read and to replace, and can be deleted', async () => {
      const none = configMap(newName());
      await assert.rejects(
        get(none),
        (error) => isNotFound(error) && isKubeError(error) && error.reason === 'NotFound',
      );
      await assert.rejects(client.patch(CONFIG_MAPS, none.metadata, [], options), isNotFound);
      await client.delete(CONFIG_MAPS, none.metadata, options);
    });

    test('a replacement with an old version is a conflict, and one that changes nothing makes no version', async () => {
      const made = await create();
      const next = await client.replace(CONFIG_MAPS, { ...made, data: { a: '2' } }, options);
      await assert.rejects(client.replace(CONFIG_MAPS, { ...made, data: { a: '3' } }, options), isConflict);
      const same = await client.replace(CONFIG_MAPS, next, options);
      assert.equal(same.metadata.resourceVersion, next.metadata.resourceVersion);
    });

    test('a dry run answers as if, and changes nothing', async () => {
      const name = newName();
      await client.create(CONFIG_MAPS, configMap(name), { ...options, dryRun: true });
      await assert.rejects(get(configMap(name)), isNotFound);
      const made = await create({ a: '1' });
      await client.delete(CONFIG_MAPS, made.metadata, { ...options, dryRun: true });
      assert.deepEqual((await get(made)).data, { a: '1' });
    });

    test('a JSON patch is applied completely or, if its test fails, not at all', async () => {
      const made = await create({ a: '1' }, { annotations: { c: '1' } });
      const patch = (expected: string) =>
        client.patch(
          CONFIG_MAPS,
          made.metadata,
          [
            { op: 'test', path: '/data/a', value: expected },
            { op: 'add', path: '/metadata/annotations/larder.example~1b', value: 'x' },
            { op: 'remove', path: '/data/a' },
          ],
          options,
        );
      await assert.rejects(patch('2'), isInvalid);
      assert.deepEqual((await get(made)).data, { a: '1' });
      const { metadata, data = {} } = await patch('1');
      assert.deepEqual([metadata.annotations, data], [{ c: '1', 'larder.example/b': 'x' }, {}]);
    });

    test('a merge patch merges maps, replaces lists, removes what is null, and heeds a version that it names', async () => {
      const finalizers = ['larder.example/a', 'larder.example/b'];
      const made = await create({ a: '1', b: '1' }, { annotations: { c: '1' }, finalizers });
      const patch = (content: MergePatch) => client.mergePatch(CONFIG_MAPS, made.metadata, content, options);
      const next = await patch({
        metadata: { annotations: { 'larder.example/b': 'x', gone: null }, labels: { l: '1', none: null } },
        data: { a: '2', b: null },
      });
      const { annotations, labels } = next.metadata;
      assert.deepEqual(annotations, { c: '1', 'larder.example/b': 'x' });
      assert.deepEqual([labels, next.data, next.metadata.finalizers], [{ l: '1' }, { a: '2' }, finalizers]);
      const same = await patch({ data: { a: '2', gone: null } });
      assert.equal(same.metadata.resourceVersion, next.metadata.resourceVersion);
      await assert.rejects(
        patch({ metadata: { resourceVersion: made.metadata.resourceVersion }, data: { a: '3' } }),
        isConflict,
      );
      const dry = { ...options, dryRun: true };
      const answered = await client.mergePatch(CONFIG_MAPS, made.metadata, { data: { a: '3' } }, dry);
      assert.deepEqual([answered.data, (await get(made)).data], [{ a: '3' }, { a: '2' }]);
      const [, second] = finalizers;
      const one = await patch({ metadata: { finalizers: [second] } });
      assert.deepEqual(one.metadata.finalizers, [second]);
      const last = await patch({ metadata: { finalizers: null } });
      assert.equal(last.metadata.finalizers, undefined);
      await client.delete(CONFIG_MAPS, made.metadata, options);
      await assert.rejects(patch({ data: { a: '3' } }), isNotFound);
    });

    test('an apply creates, changes nothing the second time, removes fields it leaves out, and keeps foreign ones', async () => {
      const name = newName();
      const apply = (fieldManager: string, data: Record<string, string>, force = false) =>
        client.apply(CONFIG_MAPS, configMap(name, data), { ...options, fieldManager, force });
      const made = await apply('larder/one', { a: '1', b: '1' });
      assert.deepEqual(made.data, { a: '1', b: '1' });
      const same = await apply('larder/one', { a: '1', b: '1' });
      assert.equal(same.metadata.resourceVersion, made.metadata.resourceVersion);
      assert.deepEqual((await apply('larder/two', { c: '1' })).data, { a: '1', b: '1', c: '1' });
      assert.deepEqual((await apply('larder/one', { a: '2' })).data, { a: '2', c: '1' });
    });

    test('an apply of a field with another manager’s value is a conflict that names the field, unless forced', async () => {
      const name = newName();
      const apply = (fieldManager: string, a: string, force = false) =>
        client.apply(CONFIG_MAPS, configMap(name, { a }), { ...options, fieldManager, force });
      await apply('larder/one', '1');
      await assert.rejects(apply('larder/two', '2'), (error) => {
        assert.ok(isConflict(error) && isKubeError(error));
        const [cause] = error.details?.causes ?? [];
        assert.equal(cause?.reason, 'FieldManagerConflict');
        assert.equal(cause?.field?.replace(/^\./, ''), 'data.a');
        assert.match(cause?.message ?? '', /larder\/one/);
        return true;
      });
      assert.deepEqual((await apply('larder/two', '2', true)).data, { a: '2' });
      await assert.rejects(apply('larder/one', '1'), isConflict);
    });

    test('a deletion keeps its preconditions, and waits for finalizers', async () => {
      const made = await create({}, { finalizers: ['larder.example/contract'] });
      const { uid } = made.metadata;
      await assert.rejects(
        client.delete(CONFIG_MAPS, made.metadata, {
          ...options,
          uid: '00000000-0000-0000-0000-000000000000',
        }),
        isConflict,
      );
      await client.delete(CONFIG_MAPS, made.metadata, { ...options, uid: uid ?? '' });
      assert.ok((await get(made)).metadata.deletionTimestamp);
      await client.patch(
        CONFIG_MAPS,
        made.metadata,
        [{ op: 'remove', path: '/metadata/finalizers/0' }],
        options,
      );
      await assert.rejects(get(made), isNotFound);
    });

    test('a list has the selected objects, with kinds, and a version to watch from', async () => {
      const label = newName();
      const made = await create({}, { labels: { contract: label } });
      await create({}, { labels: { contract: 'other' } });
      const { items, resourceVersion } = await client.list(
        CONFIG_MAPS,
        { labelSelector: `contract=${label}` },
        options,
      );
      assert.deepEqual(
        items.map(({ kind, apiVersion, metadata }) => [kind, apiVersion, metadata.uid]),
        [['ConfigMap', 'v1', made.metadata.uid]],
      );
      assert.match(resourceVersion, /^\d+$/);
      const byName = await client.list(
        CONFIG_MAPS,
        { ...named(made.metadata.name), notOlderThan: resourceVersion },
        options,
      );
      assert.equal(byName.items.length, 1);
      assert.deepEqual((await client.list(DEPLOYMENTS, { namespace: 'kube-public' }, options)).items, []);
    });

    test('a page has as many objects as asked for, and leads to the next one', async () => {
      const labels = { 'larder-contract': newName() };
      for (let number = 0; number < 3; number += 1) await create({}, { labels });
      const query = { namespace: 'default', labelSelector: `larder-contract=${labels['larder-contract']}` };
      const first = await client.list(CONFIG_MAPS, { ...query, page: { limit: 2 } }, options);
      assert.equal(first.items.length, 2);
      assert.ok(first.continueToken);
      const { continueToken } = first;
      const last = await client.list(CONFIG_MAPS, { ...query, page: { limit: 2, continueToken } }, options);
      assert.equal(new Set([...first.items, ...last.items].map(({ metadata }) => metadata.name)).size, 3);
      assert.equal(last.continueToken, undefined);
    });

    test('a watch sends every change after a version, in order, and an object that leaves the selection as deleted', async () => {
      const label = newName();
      const made = await create({ v: '1' }, { labels: { contract: label } });
      const seen: WatchEvent<ConfigMap>[] = [];
      const controller = new AbortController();
      const watch = client.watch(
        CONFIG_MAPS,
        {
          namespace: 'default',
          labelSelector: `contract=${label}`,
          resourceVersion: made.metadata.resourceVersion,
          timeoutSeconds: 60,
        },
        controller.signal,
      );
      const running = (async () => {
        for await (const event of watch) if (event.type !== 'BOOKMARK') seen.push(event);
      })();
      const replaced = await client.replace(CONFIG_MAPS, { ...made, data: { v: '2' } }, options);
      const { labels: _labels, ...unlabelled } = replaced.metadata;
      const left = await client.replace(CONFIG_MAPS, { ...replaced, metadata: unlabelled }, options);
      const back = await client.replace(
        CONFIG_MAPS,
        { ...replaced, metadata: { ...left.metadata, labels: { contract: label } } },
        options,
      );
      await client.delete(CONFIG_MAPS, back.metadata, options);
      await waitFor(() => seen.length === 4);
      controller.abort(new Error('enough'));
      await assert.rejects(running, /enough/);
      assert.deepEqual(
        seen.map(({ type }) => type),
        ['MODIFIED', 'DELETED', 'ADDED', 'DELETED'],
      );
      const versions = seen.map((event) =>
        event.type === 'BOOKMARK' ? 0 : Number(event.object.metadata.resourceVersion),
      );
      assert.deepEqual(
        versions,
        versions.toSorted((a, b) => a - b),
      );
      assert.equal(versions[1], Number(left.metadata.resourceVersion));
    });

    test('a streaming list is the state, then a bookmark, then the changes', async () => {
      const made = await create();
      const query = { ...named(made.metadata.name), initialEvents: true, timeoutSeconds: 60 };
      const seen: string[] = [];
      for await (const event of client.watch(CONFIG_MAPS, query, signal)) {
        seen.push(event.type === 'BOOKMARK' ? `end ${event.initialEventsEnd}` : event.type);
        if (event.type === 'BOOKMARK' && event.initialEventsEnd)
          await client.delete(CONFIG_MAPS, made.metadata, options);
        if (event.type === 'DELETED') break;
      }
      assert.deepEqual(seen, ['ADDED', 'end true', 'DELETED']);
    });

    test('metadata come without anything else, with the real kind of an object', async () => {
      const made = await create({ secret: 'x' });
      const resource = metadataOf(CONFIG_MAPS);
      const { apiVersion, kind, metadata } = made;
      const expected = { apiVersion, kind, metadata };
      assert.deepEqual(await client.get(resource, metadata, options), expected);
      assert.deepEqual((await client.list(resource, named(metadata.name), options)).items, [expected]);
      const query = { ...named(metadata.name), initialEvents: true, timeoutSeconds: 60 };
      const seen: unknown[] = [];
      for await (const event of client.watch(resource, query, signal)) {
        seen.push(event.type === 'BOOKMARK' ? event.initialEventsEnd : event.object);
        if (seen.length === 2) {
          const operation = { op: 'add', path: '/metadata/labels', value: { a: 'b' } } as const;
          seen.push(await client.patch(resource, metadata, [operation], options));
        }
        if (seen.length === 4) break;
      }
      const labelled = await get(made);
      const { data, ...changed } = labelled;
      assert.deepEqual(seen, [expected, true, changed, changed]);
      assert.deepEqual([labelled.metadata.labels, data], [{ a: 'b' }, { secret: 'x' }]);
      await assert.rejects(client.replace(resource, expected, options), { reason: 'BadRequest' });
      await client.delete(resource, metadata, options);
      await assert.rejects(client.get(resource, metadata, options), isNotFound);
    });

    test('a status is written by itself, and other writes leave it alone', async () => {
      const sent = { ...widget(newName(), { size: 1 }), status: { phase: 'Early' } };
      const made = await client.create(WIDGETS, sent, options);
      assert.deepEqual([made.status, made.metadata.generation], [undefined, 1]);
      const { spec, status, metadata } = await client.replace(
        WIDGETS,
        { ...made, spec: { size: 2 }, status: { phase: 'Ready' } },
        { ...options, subresource: 'status' },
      );
      assert.deepEqual([spec, status, metadata.generation], [{ size: 1 }, { phase: 'Ready' }, 1]);
      const changed = { ...made, metadata, spec: { size: 2 }, status: { phase: 'Other' } };
      const next = await client.replace(WIDGETS, changed, options);
      assert.deepEqual(
        [next.spec, next.status, next.metadata.generation],
        [{ size: 2 }, { phase: 'Ready' }, 2],
      );
      const patched = await client.patch(
        WIDGETS,
        metadata,
        [{ op: 'replace', path: '/status', value: { phase: 'Other' } }],
        options,
      );
      assert.deepEqual(
        [patched.status, patched.metadata.resourceVersion],
        [status, next.metadata.resourceVersion],
      );
      const late = await client.mergePatch(
        WIDGETS,
        metadata,
        { spec: { size: 3 }, status: { phase: 'Late' } },
        { ...options, subresource: 'status' },
      );
      assert.deepEqual([late.spec, late.status], [{ size: 2 }, { phase: 'Late' }]);
      const sized = await client.mergePatch(WIDGETS, metadata, { spec: { size: 3 }, status: null }, options);
      assert.deepEqual([sized.spec, sized.status], [{ size: 3 }, { phase: 'Late' }]);
      await client.delete(WIDGETS, metadata, options);
    });

    // With widgets, because they are younger than version 1. For kinds as old as the server itself it may have the whole history.
    test('a version from before all history is expired', async () => {
      const run = async (): Promise<void> => {
        const query = { namespace: 'test', resourceVersion: '1', timeoutSeconds: 10 };
        for await (const _ of client.watch(WIDGETS, query, signal)) assert.fail('an event of the beginning');
      };
      await assert.rejects(run, isExpired);
    });

    test('a version from the future is too large for a list', async () => {
      const list = client.list(CONFIG_MAPS, { namespace: 'default', notOlderThan: '999999999999' }, options);
      await assert.rejects(
        list,
        (error) =>
          isKubeError(error) &&
          error.httpStatus === 504 &&
          error.details?.causes?.[0]?.reason === 'ResourceVersionTooLarge',
      );
    });

    test('a reflector follows, and waits for a write of our own', async () => {
      const { store, writer } = createObjectStore<ConfigMap>({ logger: silentLogger }, { freeze: true });
      const made = await create({ v: '1' });
      const reflector = createReflector(
        {
          client,
          clock: systemClock,
          logger: silentLogger,
          metrics: declareKubeMetrics(createMetricsRegistry()),
          random: Math.random,
        },
        { resource: CONFIG_MAPS, query: named(made.metadata.name) },
        writer,
      );
      const controller = new AbortController();
      const running = reflector.run(controller.signal);
      await store.whenSynced(AbortSignal.timeout(20_000));
      const next = await client.replace(CONFIG_MAPS, { ...made, data: { v: '2' } }, options);
      await store.waitForVersion(next.metadata.resourceVersion ?? '', AbortSignal.timeout(20_000));
      assert.deepEqual(store.get(made.metadata), next);
      await client.delete(CONFIG_MAPS, made.metadata, options);
      await waitFor(() => store.size === 0);
      controller.abort(new Error('enough'));
      await running;
    });
  });
}
