import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultsInHelp, lastFailure, runMain, UNREACHED_KUBECONFIG } from '../../test/cli/run-main.ts';
import { createGardenlet } from '../../test/gardener/gardenlet.ts';
import { tempDir } from '../../test/kit/temp.ts';
import { startApi } from '../../test/kube/api-server.ts';

const extension = (args: readonly string[], environment?: Readonly<Record<string, string>>) =>
  runMain(['extension', ...args], environment);

/** Runs it with a kubeconfig and a component configuration, and gives the `error` of its last log line. It has to fail with 1. */
async function errorOf(
  args: readonly string[],
  { config = '', environment = {} }: { config?: string; environment?: Record<string, string> } = {},
): Promise<string> {
  using own = tempDir();
  const files = [
    `--kubeconfig=${own.write('kubeconfig', UNREACHED_KUBECONFIG)}`,
    `--config=${own.write('config.yaml', config)}`,
  ];
  const result = await extension([...files, ...args], environment);
  const { level, error } = lastFailure(result);
  assert.deepEqual([result.code, result.out, level], [1, '', 'error']);
  return error;
}

test('its help lists the flags of the Go extension with their defaults, and the image', async () => {
  const { code, out, err } = await extension(['--help']);
  assert.deepEqual([code, err], [0, '']);
  assert.deepEqual(defaultsInHelp(out), {
    config: undefined,
    controllers: 'registry-cache-controller,registry-mirror-controller,heartbeat',
    'disable-controllers': undefined,
    'disable-webhooks': undefined,
    'extension-classes': undefined,
    'gardener-version': undefined,
    'hand-back': undefined,
    'health-bind-address': '":8081"',
    'heartbeat-namespace': undefined,
    'heartbeat-renew-interval-seconds': '30',
    help: undefined,
    'ignore-operation-annotation': undefined,
    image: undefined,
    kubeconfig: undefined,
    'leader-election': 'true',
    'leader-election-id': '"extension-registry-cache-leader-election"',
    'leader-election-namespace': undefined,
    'list-larder-fields': undefined,
    'log-format': '"json"',
    'log-level': '"info"',
    master: undefined,
    'max-concurrent-reconciles': '5',
    'metrics-bind-address': '":8080"',
    'self-hosted-shoot-cluster': undefined,
    version: undefined,
    'webhook-config-cert-dir': '"/tmp/gardener-extensions-cert"',
    'webhook-config-mode': undefined,
    'webhook-config-namespace': undefined,
    'webhook-config-owner-namespace': undefined,
    'webhook-config-server-host': undefined,
    'webhook-config-server-port': '443',
    'webhook-config-service-port': undefined,
    'webhook-config-url': undefined,
  });
});

test('a wrong flag ends with 1 and the usage', async () => {
  for (const [arg, text] of [
    ['--foo=bar', 'unknown flag: --foo'],
    [
      '--heartbeat-renew-interval-seconds=3000000000',
      'invalid argument "3000000000" for "--heartbeat-renew-interval-seconds" flag: strconv.ParseInt: parsing "3000000000": value out of range',
    ],
    [
      '--max-concurrent-reconciles=x',
      'invalid argument "x" for "--max-concurrent-reconciles" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
  ] as const) {
    const { code, out, err } = await extension([arg]);
    assert.deepEqual([code, out], [1, '']);
    assert.ok(err.startsWith(`Error: ${text}\nUsage:\n  larder extension [flags]\n`), err);
  }
});

test('values that cannot be used end with 1 and one log line, in the words and the order of the Go extension', async () => {
  for (const [args, text] of [
    [['--kubeconfig=/nope', '--config='], 'error completing options: stat /nope: no such file or directory'],
    [['--config=', '--controllers=x'], 'error completing options: config location is not set'],
    [['--config=/nope'], 'error completing options: open /nope: no such file or directory'],
    [['--config=/'], 'error completing options: read /: is a directory'],
    [['--log-level=x', '--config='], 'error completing options: invalid --log-level: x'],
    [['--log-format=x'], 'error completing options: invalid --log-format: x'],
    [
      ['--controllers=heartbeat,x', '--disable-controllers=y'],
      'error completing options: cannot enable unknown controller "x"',
    ],
    [['--disable-controllers=*'], 'error completing options: cannot disable unknown controller "*"'],
    [['--disable-webhooks=x'], 'error completing options: cannot disable unknown webhook "x"'],
    [['--heartbeat-renew-interval-seconds=0'], '--heartbeat-renew-interval-seconds must be greater than 0'],
    [
      ['--heartbeat-renew-interval-seconds=0', '--disable-webhooks=x'],
      'error completing options: cannot disable unknown webhook "x"',
    ],
    [
      ['--image=x'],
      'could not instantiate controller-manager: unable to find leader election namespace: not running in-cluster, please specify LeaderElectionNamespace',
    ],
    [['--image=x', '--leader-election=false'], '--heartbeat-namespace is required outside of a pod'],
  ] as const)
    assert.equal(await errorOf(args), text);
});

describe('the file of --config', () => {
  const GROUP = 'config.registry.extensions.gardener.cloud';
  const accepted = 'error completing options: cannot disable unknown webhook "x"';

  test('may be empty, without a type, or have unknown fields', async () => {
    for (const config of [
      '',
      '{}',
      'null',
      `---\napiVersion: ${GROUP}/v1alpha1\nkind: Configuration\n`,
      `apiVersion: ${GROUP}/v1alpha1\nmore: [1]\n`,
      'kind: Configuration',
    ])
      assert.equal(await errorOf(['--disable-webhooks=x'], { config }), accepted, config);
  });

  test('is refused with another type, or if it is no document', async () => {
    const expected = `here: apiVersion must be "${GROUP}/v1alpha1", kind "Configuration"`;
    for (const [config, text] of [
      ['apiVersion: v1\nkind: Pod', `no kind "Pod" is registered for version "v1" ${expected}`],
      [
        `apiVersion: ${GROUP}/v1alpha2`,
        `no kind "Configuration" is registered for version "${GROUP}/v1alpha2" ${expected}`,
      ],
      ['kind: Pod', `no kind "Pod" is registered for the internal version of group "${GROUP}" ${expected}`],
      ['apiVersion: a/b/c', 'unexpected GroupVersion string: a/b/c'],
      ['[]', /^couldn't get version\/kind; json parse error: found a list/],
      ['kind: 1', /^couldn't get version\/kind; json parse error: kind is no string/],
      ['a: [1', /^yaml: line 1, column /],
    ] as const) {
      const error = (await errorOf(['--disable-webhooks=x'], { config })).replace(
        'error completing options: ',
        '',
      );
      if (typeof text === 'string') assert.equal(error, text);
      else assert.match(error, text);
    }
  });
});

test('it needs an image for shoots, unless it runs no caches', async () => {
  const missing = /could not find image "registry": neither --image \(LARDER_IMAGE\) nor an entry/;
  assert.match(await errorOf([]), missing);
  const namespace = /leader election namespace/;
  assert.match(await errorOf(['--disable-controllers=registry-cache-controller']), namespace);
  assert.match(await errorOf([], { environment: { LARDER_IMAGE: 'x' } }), namespace);
});

test('an image vector that cannot be used is an error of its own, not a panic', async () => {
  using own = tempDir();
  const errorFor = (file: string) => errorOf(['--image=x'], { environment: { IMAGEVECTOR_OVERWRITE: file } });
  const broken = own.write('iv.yaml', 'images: [{name: 1\n');
  assert.ok((await errorFor(broken)).startsWith(`${broken}: not an image vector\n`));
  assert.equal(
    await errorFor('/nope.yaml'),
    'IMAGEVECTOR_OVERWRITE: open /nope.yaml: no such file or directory',
  );
});

describe('--list-larder-fields', () => {
  const CACHES = [{ upstream: 'docker.io', preload: [] }];

  /** Runs it at a seed with one Shoot for each list of caches. No other flag is given than the connection. */
  async function listOf(...shoots: readonly object[][]) {
    using own = tempDir();
    await using api = await startApi();
    const gardenlet = createGardenlet(api);
    for (const [index, caches] of shoots.entries()) {
      const metadata = { name: `s${index}`, namespace: 'garden-p' };
      const providerConfig = {
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches,
      };
      gardenlet.createShoot(`shoot--p--s${index}`);
      gardenlet.patchShoot(`shoot--p--s${index}`, {
        metadata,
        spec: { extensions: [{ type: 'registry-cache', providerConfig }] },
      });
    }
    const kubeconfig = own.write('kubeconfig', UNREACHED_KUBECONFIG.replace('https://a.example', api.url));
    return await extension([`--kubeconfig=${kubeconfig}`, '--list-larder-fields']);
  }

  test('says so when no Shoot has such a field', async () => {
    const { code, out } = await listOf([{ upstream: 'docker.io' }]);
    assert.deepEqual(
      [code, out],
      [0, 'No Shoot of this seed uses a field that only Larder has: 1 Shoot read.\n'],
    );
  });

  test('prints the Shoots with their fields, and ends with 1', async () => {
    const { code, out } = await listOf([], CACHES, [{ upstream: 'a.io', provider: 'ecr' }, ...CACHES]);
    assert.equal(
      out,
      `NAMESPACE      SHOOT         FIELDS
shoot--p--s1   garden-p/s1   caches[0].preload
shoot--p--s2   garden-p/s2   caches[0].provider, caches[1].preload

The Go extension refuses these fields, of 2 of 3 Shoots.
`,
    );
    assert.equal(code, 1);
  });

  test('reports a seed that does not answer as the Go programs report failures', async () => {
    assert.match(await errorOf(['--list-larder-fields']), /a\.example/);
  });
});
