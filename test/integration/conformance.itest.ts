import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  artifactOf,
  imageOf,
  indexOf,
  startLarder,
  startUpstream,
  tempDir,
  zeroByteBlob,
  type TestImage,
} from '../kit/index.ts';
import { needPart, requireParts } from '../parts/find.ts';
import { pushImage } from '../parts/push.ts';
import { runToExit } from '../parts/run.ts';
import { startSetting, UPSTREAMS } from './setting.ts';

const REPOSITORY = 'conformance/data';
const IMAGE = imageOf({ seed: 1, layers: [300_000, zeroByteBlob(), 1] });
const INDEX = indexOf([IMAGE, imageOf({ seed: 2, platform: { os: 'linux', architecture: 'arm64' } })]);
const DOCKER_IMAGE = imageOf({ seed: 3, format: 'docker' });
const ARTIFACT = artifactOf({ artifactType: 'application/vnd.larder.test', subject: IMAGE });
const TAGGED = { v1: INDEX, v2: IMAGE, v3: DOCKER_IMAGE, v4: ARTIFACT };
/** Image that Distribution rejects. */
const SHA512_IMAGE = imageOf({ seed: 4, algorithm: 'sha512' });

describe('OCI conformance', requireParts(['registry3', 'registry2', 'conformance']), () => {
  for (const part of ['registry3', 'registry2'] as const) {
    test(`Larder in front of ${part} passes every test that ${part} passes, cold and filled`, async () => {
      await using setting = await startSetting({
        async fill(registry) {
          for (const [tag, image] of Object.entries(TAGGED))
            await pushImage(registry, REPOSITORY, image, tag);
        },
      });
      const upstream = await runConformance(setting.registries[part].host, REPOSITORY, TAGGED);
      assert.ok(upstream.passed.length > 30, upstream.output);

      const host = new URL(setting.larder.registry).host;
      for (const state of ['cold', 'filled']) {
        const larder = await runConformance(host, `${UPSTREAMS[part]}/${REPOSITORY}`, TAGGED);
        const lost = upstream.passed.filter((name) => !larder.passed.includes(name));
        assert.deepEqual(lost, [], `a ${state} Larder fails what ${part} passes:\n${larder.output}`);
      }
    });
  }

  test('in front of an upstream with referrers and sha512 Larder passes every test, cold and filled', async () => {
    const tagged = { ...TAGGED, v5: SHA512_IMAGE };
    await using upstream = await startUpstream();
    for (const [tag, image] of Object.entries(tagged)) upstream.push(REPOSITORY, image, tag);
    await using larder = await startLarder({
      config: {
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches: [{ upstream: 'whole.test', remoteURL: upstream.url }],
      },
    });
    // A single upstream is the default one, so the suite needs no alias.
    for (const state of ['cold', 'filled']) {
      const result = await runConformance(new URL(larder.registry).host, REPOSITORY, tagged);
      assert.ok(result.passed.length > 30, result.output);
      assert.deepEqual(result.failed, [], `${state} Larder:\n${result.output}`);
    }
  });
});

interface ConformanceResult {
  /** Numbered names of the tests, because tests of several manifests or blobs have one name, in an order that varies. */
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly output: string;
}

/**
 * Runs the OCI conformance suite (https://github.com/opencontainers/distribution-spec, `conformance/README.md`) in its read-only mode:
 * pull and content discovery of images that were pushed before. The exit code does not count, because the runner of this version crashes
 * while it writes its report files, after it has printed the results.
 */
async function runConformance(
  host: string,
  repository: string,
  tagged: Readonly<Record<string, TestImage>>,
): Promise<ConformanceResult> {
  using directory = tempDir();
  const images = [...Object.values(tagged), ...INDEX.children];
  const { stdout, stderr } = await runToExit(needPart('conformance'), [], {
    cwd: directory.path,
    env: {
      OCI_REGISTRY: host,
      OCI_TLS: 'disabled',
      OCI_REPO1: repository,
      OCI_RESULTS_DIR: directory.path,
      OCI_API_PUSH: 'false',
      OCI_API_BLOBS_DELETE: 'false',
      OCI_API_MANIFESTS_DELETE: 'false',
      OCI_API_TAGS_DELETE: 'false',
      OCI_RO_DATA_TAGS: Object.keys(tagged).join(' '),
      OCI_RO_DATA_MANIFESTS: images.map((image) => image.digest).join(' '),
      OCI_RO_DATA_BLOBS: images.flatMap((image) => image.blobs.map((blob) => blob.digest)).join(' '),
      OCI_RO_DATA_REFERRERS: IMAGE.digest,
    },
  });
  const results = [...stdout.matchAll(/^ *(OCI Conformance Test.*): (Pass|FAIL|Error)$/gm)];
  const named = (isWanted: (status: string) => boolean): string[] =>
    numbered(results.filter(([, , status = '']) => isWanted(status)).map(([, name = '']) => name));
  const passed = named((status) => status === 'Pass');
  const failed = named((status) => status !== 'Pass');
  return { passed, failed, output: `${stdout.split('\nConfiguration:')[0]}\n${stderr}` };
}

/** Appends to each name the number of its occurrence. */
function numbered(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return names.map((name) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return `${name} #${count}`;
  });
}
