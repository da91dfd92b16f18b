/**
 * `npm run release -- --out DIR [--push REGISTRY/NAME] [--dry-run]`: makes a release, and with `--push` publishes and signs it.
 * README.md beside this file says what is in it and what it needs.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '../../test/kit/temp.ts';
import { ROOT } from '../image/npm-lock.ts';
import { readArguments as readImageArguments } from '../image/read-arguments.ts';
import { buildRelease } from './build.ts';
import { changesOf } from './changelog.ts';
import { checkPublishable } from './check-publishable.ts';
import { writeChecksums } from './files.ts';
import { forgeOf } from './forge.ts';
import { notesOf } from './notes.ts';
import { statementOf } from './provenance.ts';
import { publish } from './publish.ts';
import { readArguments, type ReleaseArguments } from './read-arguments.ts';
import { writeRegistrations } from './registration.ts';
import { signRelease } from './sign-release.ts';
import { createDryRunSigner, createWorkflowSigner } from './signer.ts';
import { createTools } from './tools.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    await release(readArguments(args));
    return 0;
  } catch (error) {
    console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

async function release({ out, push: repository, dryRun }: ReleaseArguments): Promise<void> {
  const started = new Date();
  const { origin } = await readImageArguments(['--out', out]);
  const forge = forgeOf(process.env);
  const changelog = await readFile(join(ROOT, 'CHANGELOG.md'), 'utf8');
  const changes = changesOf(changelog, origin.version);
  if (repository !== undefined && !dryRun) checkPublishable(origin, forge, changes);
  await makeEmpty(out);

  using work = tempDir();
  const tools = createTools(work.path);
  const { version } = origin;
  const entries = changes ?? changesOf(changelog, 'Unreleased') ?? [];
  const { image, charts, files } = await buildRelease(
    tools,
    { origin, forge, changes: entries, repository },
    work.path,
    out,
  );
  const published =
    repository === undefined
      ? undefined
      : await publish(tools, { version, repository, image, charts, plainHttp: dryRun });
  const inRegistry = published === undefined ? [] : [published.image, ...published.charts];
  const downloads = await writeChecksums(out, [
    ...files,
    ...(await writeRegistrations(out, version, published)),
  ]);
  await writeFile(join(out, 'notes.md'), notesOf(entries, version, inRegistry));

  const artifacts = [
    ...downloads,
    ...(published === undefined ? [{ name: 'larder', digest: image.digest }] : inRegistry),
  ];
  const statement = statementOf(artifacts, { origin, forge, started, finished: new Date() });
  const statementFile = join(out, 'provenance.intoto.json');
  await writeFile(statementFile, JSON.stringify(statement));
  if (published !== undefined) {
    const signer = dryRun ? await createDryRunSigner(tools, work.path, out) : createWorkflowSigner(tools);
    if (signer === undefined) console.log('nothing is signed: cosign is not installed');
    else await signRelease(signer, { published, image, statement, statementFile, work: work.path, out });
  }
  for (const { name, digest } of artifacts) console.log(`${digest} ${name}`);
}

async function makeEmpty(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) throw new Error(`${directory} is not empty`);
}
