import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'smol-toml';
import { parseConfigFile, tableOf, type ConfigFile } from '../../src/node-agent/containerd/config-file.ts';
import { readingsOf } from '../../src/node-agent/containerd/config-path.ts';
import { tempDir, type TempDir } from '../kit/index.ts';
import { needPart, requireParts } from '../parts/find.ts';
import { run } from '../parts/run.ts';
import { CONTAINERDS } from '../parts/start-containerd.ts';

/** The agent's names for releases that read a configuration in the same way. */
const RELEASES = {
  containerd1: '1.6 and 1.7',
  containerd17: '1.6 and 1.7',
  containerd20: '2.0 to 2.2',
  containerd21: '2.0 to 2.2',
  containerd22: '2.0 to 2.2',
  containerd2: '2.3 and later',
} as const satisfies Record<(typeof CONTAINERDS)[number], string>;

const registry = (plugin: string, path: string): string =>
  `[plugins."${plugin}".registry]\n  config_path = "${path}"\n`;
const SHORT = registry('cri', '/short');
const OLD = registry('io.containerd.grpc.v1.cri', '/old');
const NEW = registry('io.containerd.cri.v1.images', '/new');
const OLD_SECTION = '[plugins."io.containerd.grpc.v1.cri".containerd]\n  snapshotter = "native"\n';
const OLD_HEADERS = '[plugins."io.containerd.grpc.v1.cri".registry.headers]\n  X-Of = ["us"]\n';
const NEW_SECTION = '[plugins."io.containerd.cri.v1.images"]\n  snapshotter = "native"\n';

/** Configurations, each with one file or with a second file that the first one imports. */
const CONFIGURATIONS: readonly (readonly [main: string, imported?: string])[] = [
  [''],
  [SHORT],
  [OLD],
  [NEW],
  [`version = 1\n${OLD}`],
  ...[2, 3, 4].flatMap((version) =>
    [OLD, NEW, OLD + NEW].map((tables) => [`version = ${version}\n${tables}`] as const),
  ),
  ['version = 2\n' + OLD, 'version = 2\n' + OLD_SECTION],
  ['version = 2\n' + OLD, 'version = 2\n' + OLD_HEADERS],
  ['version = 2\n' + OLD, 'version = 2\n' + registry('io.containerd.grpc.v1.cri', '')],
  ['version = 2\n' + OLD, 'version = 2\n' + registry('io.containerd.grpc.v1.cri', '/later')],
  ['version = 2\n' + OLD, 'version = 3\n'],
  ['version = 2\n' + OLD, 'version = 3\n' + NEW],
  ['version = 2\n' + OLD, '[debug]\n  level = "info"\n'],
  ['version = 2\n' + OLD, 'version = 1\n'],
  ['version = 3\n' + NEW, 'version = 2\n' + OLD],
  ['version = 3\n' + NEW, 'version = 2\n' + OLD_SECTION],
  ['version = 3\n' + NEW, 'version = 2\n' + OLD_HEADERS],
  ['version = 3\n' + NEW, 'version = 3\n' + NEW_SECTION],
  ['version = 3\n' + NEW, 'version = 3\n' + OLD],
  ['version = 3\n' + NEW, SHORT],
  ['', 'version = 2\n' + OLD],
  [SHORT, OLD_SECTION],
];

for (const part of CONTAINERDS) {
  describe(`the configuration of ${part}`, requireParts([part]), () => {
    test('is read by the agent as containerd reads it', async () => {
      using own = tempDir();
      let compared = 0;
      for (const [main, imported] of CONFIGURATIONS) {
        const files = writeFiles(own, main, imported);
        const reading = readingsOf(files).find(({ releases }) => releases === RELEASES[part]);
        // This release cannot read files of a later configuration version.
        if (reading === undefined) continue;
        const found = await dumpedConfigPath(part, join(own.path, 'config.toml'));
        assert.equal(reading.configPath, found, `${main}\n# import\n${imported ?? ''}`);
        compared += 1;
      }
      assert.ok(compared >= 15, `${compared} were compared`);
    });
  });
}

function writeFiles(own: TempDir, main: string, imported: string | undefined): [ConfigFile, ...ConfigFile[]] {
  if (imported === undefined) return [parseConfigFile(main, own.write('config.toml', main))];
  const text = `imports = ["import.toml"]\n${main}`;
  return [
    parseConfigFile(text, own.write('config.toml', text)),
    parseConfigFile(imported, own.write('import.toml', imported)),
  ];
}

/** Reads the `config_path` that containerd itself finds in a configuration. */
async function dumpedConfigPath(part: (typeof CONTAINERDS)[number], file: string): Promise<string> {
  const { stdout } = await run(needPart(part), ['--config', file, 'config', 'dump']);
  const plugins = tableOf(parse(stdout)['plugins']) ?? {};
  const name = part.startsWith('containerd1') ? 'io.containerd.grpc.v1.cri' : 'io.containerd.cri.v1.images';
  return String(tableOf(tableOf(plugins[name])?.['registry'])?.['config_path']);
}
