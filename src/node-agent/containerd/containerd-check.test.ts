import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { tempDir } from '../../../test/kit/index.ts';
import { checkContainerd } from './containerd-check.ts';

const DIRECTORY = '/etc/containerd/certs.d';
const V1 = '[plugins.cri.registry]\n  config_path = "/etc/containerd/certs.d"\n';
const V2 =
  'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d/"\n';
const V3 =
  "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\n  config_path = '/etc/containerd/certs.d'\n";
const SECTION = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\n  snapshotter = "native"\n';
const with3 = (path: string): string => V3.replace("'/etc/containerd/certs.d'", `'${path}'`);

async function stateOf(files: Record<string, string>): Promise<{ state: string; message: string }> {
  using root = tempDir();
  for (const [name, text] of Object.entries(files)) root.write(name, text);
  return await checkContainerd(join(root.path, 'config.toml'), DIRECTORY);
}

describe("containerd's configuration", () => {
  for (const [title, files, state] of [
    ['of version 1, which 2.0 to 2.2 ignore', { 'config.toml': V1 }, 'Unknown'],
    ['of version 2 without a version', { 'config.toml': V2.slice('version = 2\n'.length) }, 'Unknown'],
    ['of version 2', { 'config.toml': V2 }, 'Set'],
    ['of version 3', { 'config.toml': V3 }, 'Set'],
    ['of version 4', { 'config.toml': V3.replace('3', '4') }, 'Set'],
    ['of version 3 with the table of version 2', { 'config.toml': V2.replace('2', '3') }, 'Unknown'],
    ['of version 4 with the table of version 2', { 'config.toml': V2.replace('2', '4') }, 'NotSet'],
    ['without the setting', { 'config.toml': 'version = 2\n' }, 'NotSet'],
    ['with an empty setting', { 'config.toml': with3('') }, 'NotSet'],
    ['with another directory', { 'config.toml': with3('/etc/other') }, 'Elsewhere'],
    ['with a list', { 'config.toml': with3(`${DIRECTORY}:/etc/docker/certs.d`) }, 'List'],
    ['with a list of others', { 'config.toml': with3('/a:/b') }, 'Elsewhere'],
    ['that is not TOML', { 'config.toml': 'version = ' }, 'Unknown'],
    ['that is missing', {}, 'Unknown'],
    ['with imports', { 'config.toml': 'imports = ["conf.d/*.toml"]\n', 'conf.d/a.toml': V2 }, 'Set'],
    [
      'with an import that wins',
      { 'config.toml': `imports = ["b.toml"]\n${V2}`, 'b.toml': with3('/etc/other') },
      'Elsewhere',
    ],
    [
      'with an import without the setting',
      { 'config.toml': `imports = ["b.toml"]\n${V2}`, 'b.toml': 'version = 2\n' },
      'Set',
    ],
    [
      'with an import that has the section without it, which 1.6 and 1.7 take whole',
      { 'config.toml': `imports = ["b.toml"]\n${V2}`, 'b.toml': SECTION },
      'Unknown',
    ],
    [
      'of version 3 with an import that has the section without it',
      { 'config.toml': `imports = ["b.toml"]\n${V3}`, 'b.toml': SECTION },
      'Set',
    ],
    [
      'of version 2 with an import of version 3, which makes 2.0 to 2.2 ignore the old name',
      { 'config.toml': `imports = ["b.toml"]\n${V2}`, 'b.toml': 'version = 3\n' },
      'Unknown',
    ],
    [
      'with imports in a circle',
      { 'config.toml': 'imports = ["config.toml", "b.toml"]\n', 'b.toml': 'imports = ["config.toml"]\n' },
      'NotSet',
    ],
    ['with an import that is missing', { 'config.toml': 'imports = ["b.toml"]\n' }, 'Unknown'],
  ] as const)
    test(`${title}: ${state}`, async () => {
      const found = await stateOf(files);
      assert.equal(found.state, state);
      if (state !== 'Set') assert.match(found.message, /\/etc\/containerd\/certs\.d/);
    });

  test('that is missing: the message names the file and the chart value for it', async () => {
    const { message } = await stateOf({});
    assert.match(message, /there is no .*config\.toml .*nodeAgent\.containerdConfig/);
  });

  test('that releases read differently: the message names the releases, the setting and its place', async () => {
    const { message } = await stateOf({
      'config.toml': `imports = ["b.toml"]\n${V2}`,
      'b.toml': SECTION,
    });
    assert.match(message, /^containerd 1\.6 and 1\.7 would not read \/etc\/containerd\/certs\.d: /);
    assert.match(message, /in \[plugins\."io\.containerd\.grpc\.v1\.cri"\.registry\] of .*\/b\.toml/);
  });

  test('with mirrors of the old kind: the message asks to replace them', async () => {
    const { state, message } = await stateOf({
      'config.toml':
        '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\nendpoint = ["https://x"]\n',
    });
    assert.equal(state, 'NotSet');
    assert.match(message, /registry\.mirrors/);
  });
});
