import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { recordedConfigs, recordedText } from '../../../test/gardener/distribution-configs.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import { parseRegistryConfig } from '../registry-config/parse.ts';
import { API_VERSION, KIND } from '../registry-config/schema.ts';
import { parseDistributionConfig, type DistributionConfig } from './parse.ts';

const URL_ONLY = '  remoteurl: https://r.example';

function parsed(text: string): DistributionConfig {
  const result = parseDistributionConfig(text);
  if (!result.ok) assert.fail(problemsText(result.problems));
  return result.config;
}

function problemsOf(text: string): string {
  const result = parseDistributionConfig(text);
  return result.ok ? '' : problemsText(result.problems);
}

/** The recorded document with `section` in addition. */
function withSection(section: object): string {
  return `${recordedText(URL_ONLY, false)}${stringify(section)}`;
}

const minimal = (more: object = {}): string =>
  stringify({ version: '0.1', proxy: { remoteurl: 'https://r.example' }, ...more });

describe('each recorded config.yml', () => {
  /** Recordings that no shoot can have: the admission of the extension refuses the RegistryConfig. */
  const REFUSED: Readonly<Record<string, RegExp>> = {
    'HTTPS://C.io': /^proxy\.remoteurl: Invalid value: "HTTPS:\/\/C\.io": a lowercase RFC 1123/,
    'http://user:pw@d.io': /^proxy\.remoteurl: Invalid value: ".*\*@d\.io": url must not contain user info$/,
    '': /^proxy\.remoteurl: Required value: the URL of the upstream/,
    '-1s': /^proxy\.ttl: Invalid value: "-1s": /,
  };
  /** Logins with which the extension writes no YAML; Distribution ends as well. */
  const NO_YAML = ['@user', 'a: b'];
  /** YAML takes the rest for a comment. */
  const CUT: Readonly<Record<string, string>> = { 'user #1': 'user' };

  for (const { case: name, text, cache, login } of recordedConfigs()) {
    const ttl = cache.garbageCollection?.ttl;
    const refusal = REFUSED[cache.remoteURL ?? ttl ?? 'none'];
    if (refusal !== undefined) {
      test(`${name}, ${cache.upstream}: is refused like its RegistryConfig`, () => {
        assert.match(problemsOf(text), refusal);
        assert.ok(!parseRegistryConfig({ apiVersion: API_VERSION, kind: KIND, caches: [cache] }).ok);
      });
    } else if (NO_YAML.includes(login?.username ?? '')) {
      test(`${name}, ${cache.upstream}: is no YAML, and the problem says why`, () => {
        assert.match(
          problemsOf(text),
          /^line \d+, column \d+: not valid YAML \([A-Z_]+\); a user name with /,
        );
      });
    } else {
      test(`${name}, ${cache.upstream}: means what the RegistryConfig of its shoot means`, () => {
        const wanted = parseRegistryConfig({ apiVersion: API_VERSION, kind: KIND, caches: [cache] });
        assert.ok(wanted.ok);
        const { settings, registryConfig, login: read, unknownKeys } = parsed(text);
        const [is, should] = [registryConfig.caches[0]!, wanted.config.caches[0]!];
        assert.equal(new URL(is.remoteURL).href, new URL(should.remoteURL).href);
        assert.equal(is.garbageCollection.ttlMs, should.garbageCollection.ttlMs);
        assert.equal(is.authentication.mode, should.authentication.mode);
        assert.equal(is.upstream, cache.remoteURL === undefined ? cache.upstream : is.upstream);
        const username = login?.username ?? '';
        assert.deepEqual(read, login && { ...login, username: CUT[username] ?? username });
        assert.deepEqual(unknownKeys, []);
        assert.deepEqual(settings, {
          service: 'registry',
          storeDirectory: '/var/lib/registry',
          address: { host: '::', port: 5000 },
          adminAddress: { host: '::', port: 5001 },
          metricsPath: '/metrics',
          drainMs: 25_000,
          tlsFiles: should.http.tls
            ? { cert: '/etc/distribution/certs/tls.crt', key: '/etc/distribution/certs/tls.key' }
            : undefined,
          headers: { 'X-Content-Type-Options': ['nosniff'] },
        });
      });
    }
  }
});

describe('the section proxy', () => {
  const nameOf = (remoteurl: string): string | undefined =>
    parsed(recordedText(`  remoteurl: ${remoteurl}`, false)).registryConfig.caches[0]?.upstream;

  test('names the upstream after the host of its URL, and Docker Hub as clients do', () => {
    assert.equal(nameOf('https://registry-1.docker.io'), 'docker.io');
    assert.equal(nameOf('https://mirror.gcr.io/'), 'mirror.gcr.io');
    assert.equal(nameOf('http://10.0.0.7:5000'), '10.0.0.7:5000');
    assert.equal(nameOf('https://r.example:443'), 'r.example');
  });

  test('is for everyone with a login, and for callers with their own without one', () => {
    const modeOf = (more: string): string | undefined =>
      parsed(recordedText(URL_ONLY + more, false)).registryConfig.caches[0]?.authentication.mode;
    assert.equal(modeOf('\n  username: u\n  password: p'), 'Shared');
    for (const half of [
      '',
      '\n  username: u',
      '\n  password: p',
      "\n  username: u\n  password: ''",
      '\n  username: ~\n  password: p',
    ])
      assert.equal(modeOf(half), 'Caller', half);
  });

  test('has a login as it is written, whatever YAML could take it for', () => {
    for (const username of ['0123', '0x1F', 'true', '1e3', '2001-01-01', '.inf', 'yes'])
      assert.equal(
        parsed(recordedText(`${URL_ONLY}\n  username: ${username}\n  password: 'null'`, false)).login
          ?.username,
        username,
      );
  });

  test('keeps content for a week without a ttl, and for ever with 0s', () => {
    const ttlOf = (more: string): number | undefined =>
      parsed(recordedText(URL_ONLY + more, false)).registryConfig.caches[0]?.garbageCollection.ttlMs;
    assert.equal(ttlOf(''), 7 * 24 * 3600_000);
    assert.equal(ttlOf('\n  ttl: 0s'), 0);
    assert.match(
      problemsOf(recordedText(`${URL_ONLY}\n  ttl: 7d`, false)),
      /^proxy\.ttl: time: unknown unit "d"/,
    );
  });

  test('that is missing is one problem, and a list another', () => {
    assert.match(problemsOf('version: 0.1'), /^proxy\.remoteurl: Required value: [^\n]+$/);
    assert.match(problemsOf('version: 0.1\nproxy: [a]'), /^proxy: must be a map, found a list$/);
  });

  test('with a map for a name, as the extension writes {{ .x }}, is a problem that says why', () => {
    const text = recordedText(`${URL_ONLY}\n  username: {{ .x }}\n  password: p`, false);
    assert.match(problemsOf(text), /^proxy\.username: must be a string, found a map; a user name with/);
  });
});

describe('a value that cannot be read', () => {
  for (const [more, problem] of [
    [{ http: { addr: '5000' } }, 'http.addr: must be an address such as ":5000", found "5000"'],
    [{ http: { addr: ':http' } }, 'http.addr: must be an address such as ":5000", found ":http"'],
    [
      { http: { debug: { addr: ':70000' } } },
      'http.debug.addr: must be an address such as ":5000", found ":70000"',
    ],
    [
      { http: { debug: { prometheus: { enabled: 'on' } } } },
      'http.debug.prometheus.enabled: must be true or false, found "on"',
    ],
    [
      { http: { debug: { prometheus: { path: 'm' } } } },
      'http.debug.prometheus.path: must be a path such as "/metrics", found "m"',
    ],
    [{ http: { draintimeout: '25' } }, 'http.draintimeout: time: missing unit in duration "25"'],
    [{ http: { tls: { certificate: 'c' } } }, 'http.tls.key: Required value: the certificate needs its key'],
    [{ http: { tls: { key: 'k' } } }, 'http.tls.certificate: Required value: the key needs its certificate'],
    [
      { http: { headers: { 'X Y': ['a'] } } },
      'http.headers.X Y: must be a map of header fields, found a list',
    ],
    [{ http: { headers: { X: 'a' } } }, 'http.headers.X: must be a list of texts, found a string'],
    [
      { http: { headers: { X: ['a\r\nb'] } } },
      'http.headers.X[0]: must be a value of a header field, found a string',
    ],
    [
      { http: { headers: { 'content-LENGTH': ['5'] } } },
      'http.headers.content-LENGTH: Forbidden: every answer has its own',
    ],
    [
      { http: { headers: { 'Transfer-Encoding': ['chunked'] } } },
      'http.headers.Transfer-Encoding: Forbidden: every answer has its own',
    ],
    [
      { storage: { filesystem: { rootdirectory: '' } } },
      'storage.filesystem.rootdirectory: must be a directory, found ""',
    ],
    [
      { storage: { tag: { concurrencylimit: 'x' } } },
      'storage.tag.concurrencylimit: must be an integer, found "x"',
    ],
    [{ version: '0.2' }, 'version: Unsupported value: "0.2": supported values: "0.1"'],
    [{ version: null }, 'version: Required value: must be "0.1"'],
  ] as const)
    test(problem, () => assert.equal(problemsOf(minimal(more)), problem));

  test('does not hide the others', () => {
    const text = minimal({ version: '1', http: { addr: 'x' }, proxy: { remoteurl: 'ftp://r.example' } });
    assert.deepEqual(
      problemsOf(text)
        .split('\n')
        .map((line) => line.split(':')[0]),
      ['http.addr', 'version', 'proxy.remoteurl'],
    );
  });
});

describe('keys that the extension does not write', () => {
  test('are listed with their paths', () => {
    const text = withSection({ redis: { addr: 'x' }, notifications: null });
    assert.deepEqual(parsed(text).unknownKeys, ['redis', 'notifications']);
    const inner = minimal({ storage: { cache: { blobdescriptor: 'inmemory' } }, log: { level: 'debug' } });
    assert.deepEqual(parsed(inner).unknownKeys, ['storage.cache', 'log.level']);
  });

  test('are refused where they keep callers out', () => {
    assert.match(problemsOf(withSection({ auth: { htpasswd: {} } })), /^auth: Forbidden: Larder cannot/);
    const clients = minimal({ http: { tls: { certificate: 'c', key: 'k', clientcas: ['ca'] } } });
    assert.match(problemsOf(clients), /^http\.tls\.clientcas: Forbidden: /);
  });
});

test('a file with little in it leaves the settings to flags and defaults', () => {
  const { settings } = parsed(minimal());
  assert.deepEqual(
    Object.values(settings).filter((value) => value !== undefined),
    [{}],
  );
});

describe('any text', () => {
  const line = fc.oneof(
    fc.constantFrom(
      'version: 0.1',
      'proxy:',
      '  remoteurl: https://r.example',
      '  ttl: 1h',
      'http:',
      '  headers:',
      '&a [*a]',
      '<<: *b',
      '? - x',
      '--- !!binary x',
    ),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.json(),
  );

  test('property: is read or refused, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const result = parseDistributionConfig(lines.join('\n'));
        assert.ok(result.ok || result.problems.length > 0);
      }),
      { numRuns: 500 },
    );
  });

  test('property: any document of the known keys is read or refused, and nothing is thrown', () => {
    const keys =
      'version log fields storage filesystem http debug addr prometheus tls headers proxy remoteurl ttl'.split(
        ' ',
      );
    const document = fc.object({
      key: fc.oneof(fc.constantFrom(...keys), fc.constantFrom('__proto__', 'constructor', '<<', '0')),
      values: [
        fc.constantFrom('0.1', 'https://r.example', '1h', ':1', 'true', 0.1, 1, true, null),
        fc.string(),
      ],
      maxDepth: 4,
      maxKeys: 8,
    });
    fc.assert(
      fc.property(
        document,
        fc.constantFrom('', '\nhttp: !!binary aGk=', '\nproxy: !!set {a}'),
        (value, end) => {
          const result = parseDistributionConfig(stringify(value) + end);
          assert.ok(result.ok || result.problems.length > 0);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('property: no problem repeats what stands for name and password, quoted or not', () => {
    const value = fc
      .tuple(
        fc.constantFrom('', '@', '*', '&', '!', '- ', '{', '[', '"', '|', '>', '\\', '%', '`', 'a: '),
        fc.constantFrom('', ' x', '\n', '}', '"'),
      )
      .map(([start, end]) => `${start}hush${end}`);
    fc.assert(
      fc.property(value, value, (username, password) => {
        const text = recordedText(`${URL_ONLY}\n  username: ${username}\n  password: ${password}`, false);
        assert.doesNotMatch(problemsOf(text), /hush/);
      }),
    );
  });

  test('property: a quoted login is read as it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (username, password) => {
        const login = { username, password };
        assert.deepEqual(
          parsed(minimal({ proxy: { remoteurl: 'https://r.example', ...login } })).login,
          login,
        );
      }),
    );
  });
});
