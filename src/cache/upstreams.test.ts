import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fakeUpstream } from '../../test/cache/fake-upstream.ts';
import { configOf } from '../../test/cache/target.ts';
import { isLarderError } from '../kit/errors.ts';
import type { CachedUpstream } from './access/target.ts';
import { createSingleUpstreamTable, createUpstreamTable, type UpstreamTable } from './upstreams.ts';

function upstreams(...names: readonly string[]): CachedUpstream[] {
  return configOf(...names.map((upstream) => ({ upstream }))).caches.map((config) => ({
    name: config.upstream,
    config,
    client: fakeUpstream(() => assert.fail('a socket was opened'), config.upstream),
  }));
}

function table(names: readonly string[], defaultName?: string): UpstreamTable {
  return createUpstreamTable(upstreams(...names), defaultName);
}

/** `upstream repository`, or the code of the error. */
function routed(of: UpstreamTable, name: string, ns?: string): string {
  try {
    const target = of.destination(name, ns);
    return `${target.upstream.name} ${target.repository}`;
  } catch (error) {
    return isLarderError(error) ? error.code : String(error);
  }
}

const several = table(['docker.io', 'ghcr.io', 'localhost:5001']);

describe('a request goes', () => {
  test('to the upstream that its first path segment names, whatever ns and the default say', () => {
    assert.equal(routed(several, 'ghcr.io/o/i'), 'ghcr.io o/i');
    assert.equal(routed(several, 'ghcr.io/o/i', 'docker.io'), 'ghcr.io o/i');
    assert.equal(routed(several, 'localhost:5001/i'), 'localhost:5001 i');
  });

  test('else to the upstream of ns', () => {
    assert.equal(routed(several, 'o/i', 'ghcr.io'), 'ghcr.io o/i');
  });

  test('else to the default: the one named, docker.io, or the only one', () => {
    assert.equal(routed(several, 'o/i'), 'docker.io o/i');
    assert.equal(routed(table(['docker.io', 'ghcr.io'], 'ghcr.io'), 'o/i'), 'ghcr.io o/i');
    assert.equal(routed(table(['quay.io']), 'o/i'), 'quay.io o/i');
  });

  test('nowhere when there is no default, or ns is not configured, with one cache too', () => {
    assert.equal(routed(table(['ghcr.io', 'quay.io']), 'o/i'), 'NAME_UNKNOWN');
    assert.equal(routed(several, 'o/i', 'evil.example'), 'NAME_UNKNOWN');
    assert.equal(routed(table(['quay.io']), 'o/i', 'ghcr.io'), 'NAME_UNKNOWN');
    assert.equal(routed(several, 'o/i', ''), 'NAME_UNKNOWN');
  });
});

test('one-component names belong to library/ on Docker Hub, and nowhere else', () => {
  assert.equal(routed(several, 'alpine'), 'docker.io library/alpine');
  assert.equal(routed(several, 'docker.io/alpine'), 'docker.io library/alpine');
  assert.equal(routed(several, 'ghcr.io/alpine'), 'ghcr.io alpine');
});

test('a name that no registry can have is refused', () => {
  for (const name of ['', 'UPPER/x', 'ghcr.io/', 'ghcr.io/../x', 'a//b', 'evil.example:80/x']) {
    assert.equal(routed(several, name), 'NAME_INVALID', name);
  }
});

test('a destination keeps name and ns as the client wrote them', () => {
  const { visibleName, ns } = several.destination('ghcr.io/o/i', 'ghcr.io');
  assert.deepEqual([visibleName, ns], ['ghcr.io/o/i', 'ghcr.io']);
});

test('a ping is for the upstream of ns, or of the only one, or of none', () => {
  assert.equal(several.pinged('ghcr.io')?.name, 'ghcr.io');
  assert.equal(several.pinged(undefined), undefined);
  assert.equal(table(['quay.io']).pinged(undefined)?.name, 'quay.io');
  assert.throws(
    () => several.pinged('evil.example'),
    (error) => isLarderError(error, 'NAME_UNKNOWN'),
  );
});

test('whatever is asked, only configured upstreams are reached', () => {
  const part = fc.constantFrom('ghcr.io', 'docker.io', 'evil.example', 'a', 'localhost:5001', '..', 'b', '');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), fc.option(part, { nil: undefined }), (parts, ns) => {
      const outcome = routed(several, parts.join('/'), ns);
      assert.match(
        outcome,
        /^(NAME_UNKNOWN|NAME_INVALID|(docker\.io|ghcr\.io|localhost:5001) [a-z0-9.:/]+)$/,
      );
    }),
  );
});

describe('a single upstream gets every request', () => {
  const [hub, other] = upstreams('docker.io', 'r.example').map(createSingleUpstreamTable);
  assert.ok(hub !== undefined && other !== undefined);

  test('whatever path and ns name', () => {
    for (const ns of [undefined, 'r.example', 'ghcr.io']) {
      assert.equal(routed(other, 'ghcr.io/o/i', ns), 'r.example ghcr.io/o/i');
      assert.equal(routed(other, 'r.example/i', ns), 'r.example r.example/i');
      assert.equal(other.pinged(ns)?.name, 'r.example');
    }
    assert.equal(routed(hub, 'alpine', 'ghcr.io'), 'docker.io library/alpine');
    assert.equal(routed(other, 'alpine'), 'r.example alpine');
  });

  test('unless no registry can have the name', () => {
    assert.equal(routed(other, 'UPPER', 'r.example'), 'NAME_INVALID');
  });
});
