/** Tests a release as users get it: rehearsed into a registry on this machine, then checked and pulled with their tools. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { createHelm, WITHOUT_CLUSTER } from '../cluster/helm.ts';
import { digestOf, tempDir } from '../kit/index.ts';
import { findPart, needPart, requireParts } from '../parts/find.ts';
import { run } from '../parts/run.ts';
import { startRegistry, type Registry } from '../parts/start-registry.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};
const BUILD_LIMIT_MS = 300_000;
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const SBOM = 'application/vnd.cyclonedx+json';

const GARDENER = [
  'registry-cache',
  'admission-registry-cache-runtime',
  'admission-registry-cache-application',
] as const;

const ACCOUNT = { username: 'releaser', password: 'of-the-run' };

/** Environment of a release in the forge's workflow. */
const FORGE = {
  GITHUB_SERVER_URL: 'https://forge.example',
  GITHUB_REPOSITORY: 'team/larder',
  GITHUB_REPOSITORY_ID: '7',
  GITHUB_REPOSITORY_OWNER: 'team',
  GITHUB_REPOSITORY_OWNER_ID: '8',
  GITHUB_REF: `refs/tags/v${VERSION}`,
  GITHUB_WORKFLOW_REF: `team/larder/.github/workflows/release.yml@refs/tags/v${VERSION}`,
  GITHUB_EVENT_NAME: 'push',
  GITHUB_RUN_ID: '42',
  GITHUB_RUN_ATTEMPT: '1',
  RUNNER_ENVIRONMENT: 'github-hosted',
};

interface Statement {
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicateType: string;
  readonly predicate: {
    readonly runDetails?: { readonly builder: { readonly id: string } };
    readonly components?: readonly { readonly name: string }[];
  };
}

describe('a release', requireParts(['registry3', 'htpasswd', 'oras', 'helm']), () => {
  const resources = new AsyncDisposableStack();
  after(() => resources.disposeAsync());
  const directory = resources.use(tempDir());
  const out = join(directory.path, 'release');
  let registry: Registry;
  let image: string;
  let chart: string;
  let gardenerCharts: readonly string[];

  before(async () => {
    registry = resources.use(
      await startRegistry({ part: 'registry3', auth: { kind: 'basic', account: ACCOUNT } }),
    );
    // All programs read one login, at the place of `docker login`.
    process.env['DOCKER_CONFIG'] = directory.path;
    const login = [
      'login',
      registry.host,
      '--plain-http',
      '--username',
      ACCOUNT.username,
      '--password-stdin',
    ];
    await run(needPart('oras'), login, { input: ACCOUNT.password });
    image = `${registry.host}/team/larder`;
    chart = `${registry.host}/team/charts/larder`;
    gardenerCharts = GARDENER.map((name) => `${registry.host}/team/charts/gardener/extensions/${name}`);
    const args = [join(ROOT, 'deploy/release/release.ts'), '--out', out, '--push', image, '--dry-run'];
    await run(process.execPath, args, { env: FORGE, limit: BUILD_LIMIT_MS });
  });

  const oras = async (...args: readonly string[]) => (await run(needPart('oras'), args)).stdout;
  const helm = createHelm({ home: directory.path });
  const platforms = async () => {
    const index = JSON.parse(await oras('manifest', 'fetch', '--plain-http', `${image}:${VERSION}`)) as {
      manifests: { digest: string; platform: { os: string; architecture: string } }[];
    };
    return index.manifests.map(({ digest, platform: { os, architecture } }) => ({
      digest,
      platform: `${os}/${architecture}`,
    }));
  };
  const statement = () => JSON.parse(readFileSync(join(out, 'provenance.intoto.json'), 'utf8')) as Statement;

  test('has files with right checksums, and a statement about each of them', async () => {
    await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: out });
    const sums = readFileSync(join(out, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
    const files = sums
      .map((line) => line.split('  '))
      .map(([sha256, name]) => ({ name, digest: { sha256 } }));
    assert.deepEqual(
      files.map(({ name }) => name),
      [
        `larder-${VERSION}.tgz`,
        `larder-chart-${VERSION}.tgz`,
        ...GARDENER.map((name) => `gardener-${name}-${VERSION}.tgz`),
        'install.yaml',
        'uninstall.yaml',
        'crds.yaml',
        'sbom-amd64.cdx.json',
        'sbom-arm64.cdx.json',
        'gardener-extension.yaml',
        'gardener-controller-registration.yaml',
      ],
    );
    const { subject, predicateType, predicate } = statement();
    assert.deepEqual(subject.slice(0, files.length), files);
    assert.deepEqual(
      subject.slice(files.length).map(({ name }) => name),
      [image, chart, ...gardenerCharts],
    );
    assert.equal(predicateType, 'https://slsa.dev/provenance/v1');
    assert.equal(predicate.runDetails?.builder.id, `https://forge.example/${FORGE.GITHUB_WORKFLOW_REF}`);
  });

  test('has the digests in the registry that it states', async () => {
    const stated = Object.fromEntries(statement().subject.map(({ name, digest }) => [name, digest.sha256]));
    for (const name of [image, chart, ...gardenerCharts]) {
      const manifest = await oras('manifest', 'fetch', '--plain-http', `${name}:${VERSION}`);
      assert.equal(digestOf(Buffer.from(manifest)), `sha256:${stated[name]}`);
    }
  });

  test('has an image of two platforms, each with its bill of materials', async () => {
    const found = await platforms();
    assert.deepEqual(
      found.map(({ platform }) => platform),
      ['linux/amd64', 'linux/arm64'],
    );
    for (const { digest } of found) {
      const answer = await oras('discover', '--plain-http', '--format', 'json', `${image}@${digest}`);
      const { referrers } = JSON.parse(answer) as { referrers: { artifactType: string }[] };
      assert.equal(referrers.filter(({ artifactType }) => artifactType === SBOM).length, 1);
    }
  });

  test('has a chart that helm pulls, lints without a message, and renders with the published image', async () => {
    const to = ['--version', VERSION, '--plain-http', '--untar', '--destination', directory.path];
    await helm('pull', `oci://${chart}`, ...to);
    const pulled = join(directory.path, 'larder');
    assert.doesNotMatch(await helm('lint', '--strict', pulled), /\[(?:INFO|WARNING|ERROR)\]/);
    assert.ok(!existsSync(join(pulled, 'icon.svg')));
    const { home, version, annotations } = parse(readFileSync(join(pulled, 'Chart.yaml'), 'utf8')) as {
      home: string;
      version: string;
      annotations: Record<string, string>;
    };
    assert.deepEqual([home, version], ['https://forge.example/team/larder', VERSION]);
    assert.match(annotations['artifacthub.io/images'] ?? '', new RegExp(`image: ${image}:${VERSION}`));
    assert.ok((parse(annotations['artifacthub.io/changes'] ?? '') as string[]).length > 0);

    const rendered = await helm('template', 'larder', pulled, ...WITHOUT_CLUSTER);
    const images = [...rendered.matchAll(/^\s+image: "(.*)"$/gm)].map(([, name]) => name);
    assert.ok(images.length > 0);
    assert.deepEqual([...new Set(images)], [`${image}:${VERSION}`]);
    assert.match(readFileSync(join(out, 'install.yaml'), 'utf8'), new RegExp(`image: "${image}:${VERSION}"`));
  });

  test('has charts for Gardener that render with the published image, without any value', async () => {
    for (const [index, name] of GARDENER.entries()) {
      const to = ['--version', VERSION, '--plain-http', '--untar', '--destination', directory.path];
      await helm('pull', `oci://${gardenerCharts[index]}`, ...to);
      const rendered = await helm('template', 'x', join(directory.path, name), ...WITHOUT_CLUSTER);
      const images = [...rendered.matchAll(/^\s+image: "(.*)"$/gm)].map(([, found]) => found);
      assert.deepEqual(images, name.endsWith('application') ? [] : [`${image}:${VERSION}`]);
    }
  });

  test('is registered with Gardener by tag and digest, and lists both in its notes', () => {
    const digests = Object.fromEntries(statement().subject.map(({ name, digest }) => [name, digest.sha256]));
    const read = (name: string) => readFileSync(join(out, name), 'utf8');
    for (const name of gardenerCharts) {
      const reference = `${name}:${VERSION}@sha256:${digests[name]}`;
      assert.ok(read('gardener-extension.yaml').includes(`ref: ${reference}\n`), reference);
      assert.ok(read('notes.md').includes(reference), reference);
    }
    assert.match(read('gardener-controller-registration.yaml'), /registry-cache:.*@sha256:/);
    assert.doesNotMatch(read('gardener-extension.yaml'), /registry\.example\.com/);
  });

  test('has a package that npm installs', async () => {
    const list = await run('tar', ['-tzf', join(out, `larder-${VERSION}.tgz`)]);
    for (const name of ['package/bin/larder', 'package/dist/cli/bin.js', 'package/LICENSE'])
      assert.ok(list.stdout.split('\n').includes(name), name);
  });

  test('is not written over another one', async () => {
    const args = [join(ROOT, 'deploy/release/release.ts'), '--out', dirname(out), '--dry-run'];
    await assert.rejects(run(process.execPath, args), /is not empty/);
  });

  // Building cosign takes 5 min of CPU time, so CI may run without it. The release workflow has it.
  const skip = findPart('cosign') === undefined && 'needs cosign; run: node test/parts/install.ts cosign';
  describe('is signed', { skip }, () => {
    const key = ['--key', join(out, 'cosign.pub'), '--insecure-ignore-tlog'];
    const cosign = async (command: string, ...args: readonly string[]) =>
      (await run(needPart('cosign'), [command, ...key, ...args], { cwd: out })).stdout;
    const inRegistry = (command: string, ...args: readonly string[]) =>
      cosign(command, '--allow-http-registry', ...args);
    /** Reads the statement in the only attestation of this type. */
    const attested = async (type: string, reference: string): Promise<Statement> => {
      const lines = (await inRegistry('verify-attestation', '--type', type, reference)).trim().split('\n');
      assert.equal(lines.length, 1);
      const { payload } = JSON.parse(lines[0] ?? '') as { payload: string };
      return JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;
    };

    test('in the registry: the charts, the image, and the image of each platform', async () => {
      const parts = (await platforms()).map(({ digest }) => `${image}@${digest}`);
      for (const reference of [
        `${image}:${VERSION}`,
        ...[chart, ...gardenerCharts].map((name) => `${name}:${VERSION}`),
        ...parts,
      ])
        assert.match(await inRegistry('verify', reference), /https:\/\/sigstore\.dev\/cosign\/sign\/v1/);
    });

    test('not by another key', async () => {
      await run(needPart('cosign'), ['generate-key-pair', '--output-key-prefix', 'other'], {
        cwd: directory.path,
        env: { COSIGN_PASSWORD: '' },
      });
      const other = ['--key', join(directory.path, 'other.pub'), '--insecure-ignore-tlog'];
      const args = ['verify', ...other, '--allow-http-registry', `${image}:${VERSION}`];
      await assert.rejects(
        run(needPart('cosign'), args),
        /no matching signatures|invalid signature|failed to verify/,
      );
    });

    test('with the provenance of image and charts', async () => {
      for (const name of [image, chart, ...gardenerCharts]) {
        const { subject, predicateType, predicate } = await attested('slsaprovenance1', `${name}:${VERSION}`);
        assert.equal(predicateType, 'https://slsa.dev/provenance/v1');
        assert.deepEqual(predicate, statement().predicate);
        assert.ok(statement().subject.some((one) => one.digest.sha256 === subject[0]?.digest.sha256));
      }
    });

    test('with the bill of materials of each platform', async () => {
      for (const { digest, platform } of await platforms()) {
        const { predicate } = await attested('cyclonedx', `${image}@${digest}`);
        const file = join(out, `sbom-${platform.split('/')[1]}.cdx.json`);
        const { components } = JSON.parse(readFileSync(file, 'utf8')) as Statement['predicate'];
        assert.equal(predicate.components?.length, components?.length);
      }
    });

    test('with one bundle for all files, and no others', async () => {
      const bundle = ['--bundle', 'provenance.sigstore.json', '--type', 'slsaprovenance1'];
      for (const { name } of statement().subject.filter((one) => !one.name.includes('/')))
        await cosign('verify-blob-attestation', ...bundle, name);
      await assert.rejects(cosign('verify-blob-attestation', ...bundle, 'notes.md'), /do not match/);
    });

    test('in referrers that any client of OCI finds', async () => {
      const answer = await oras('discover', '--plain-http', '--format', 'json', `${image}:${VERSION}`);
      const { referrers } = JSON.parse(answer) as { referrers: { artifactType: string }[] };
      assert.deepEqual(
        referrers.map(({ artifactType }) => artifactType),
        [BUNDLE, BUNDLE],
      );
    });
  });
});
