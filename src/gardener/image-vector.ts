import { z } from 'zod';
import { decode } from '../api/document/decode.ts';
import { entryMap, maybe, string, text } from '../api/document/schema-fields.ts';
import { problemsAt, problemsText, type Problem } from '../kit/document/field-problem.ts';
import { readYamlText } from '../kit/document/yaml-text.ts';
import { LarderError } from '../kit/errors.ts';

/** An entry of an image vector. Undefined fields come from the entry that it overwrites. */
export type ImageSource = z.output<typeof imageSource>;

/** Name of the image of the caches. */
const REGISTRY = 'registry';

const optionalText = () => maybe(string().optional());
const optionalTexts = () => maybe(z.array(string(), 'a list').optional());
const imageSource = entryMap({
  name: text(),
  runtimeVersion: optionalText(),
  targetVersion: optionalText(),
  architectures: optionalTexts(),
  ref: optionalText(),
  repository: optionalText(),
  tag: optionalText(),
});
const imageVector = entryMap({ images: maybe(z.array(imageSource, 'a list').prefault([])) });

/**
 * Reads the text of the file in `IMAGEVECTOR_OVERWRITE` (gardener v1.147.1, `pkg/utils/imagevector`): a list `images`. Fields without a meaning
 * for images are left alone. Throws `CONFIG_INVALID` with all problems; `file` is its name.
 */
export function readImageVector(yaml: string, file: string): readonly ImageSource[] {
  const document = readYamlText(yaml);
  const { value, problems } = decode(imageVector, document.value ?? {});
  const found = [
    ...document.problems,
    ...problems.filter(({ kind }) => kind !== 'UnknownField'),
    ...(value?.images ?? []).flatMap((source, index) => [...sourceProblems(source, index)]),
  ];
  if (found.length > 0 || value === undefined) {
    throw new LarderError('CONFIG_INVALID', `${file}: not an image vector\n${problemsText(found)}`);
  }
  return value.images;
}

function* sourceProblems({ name, ref, repository, tag }: ImageSource, index: number): Generator<Problem> {
  const problems = problemsAt(`images[${index}]`);
  if (name === '') yield problems.required(['name'], 'image name is required');
  if (ref === undefined && repository === undefined) {
    yield problems.required(['ref/repository'], 'either image ref or repository+tag is required');
  }
  if (ref !== undefined) {
    if (ref === '') yield problems.invalid(['ref'], ref, 'ref must not be empty if specified');
    if (repository !== undefined) {
      yield problems.forbidden(['repository'], 'cannot specify repository when ref is set');
    }
    if (tag !== undefined) yield problems.forbidden(['tag'], 'cannot specify tag when ref is set');
  } else {
    if (repository === '') {
      yield problems.invalid(['repository'], repository, 'repository must not be empty if specified');
    }
    if (tag === '') yield problems.invalid(['tag'], tag, 'image tag must not be empty if specified');
  }
}

/**
 * Finds the image of the caches: `image`, overwritten by the entries named `registry`. An entry without a tag keeps that of `image`. Among
 * several that are left, one for amd64 alone goes first. Throws `CONFIG_INVALID` if there is none.
 */
export function registryImage(image: string | undefined, overwrite: readonly ImageSource[]): string {
  const sources = new Map<string, ImageSource>();
  const given = image === undefined || image === '' ? [] : [sourceOf(image)];
  for (const source of [...given, ...overwrite.filter(({ name }) => name === REGISTRY)]) {
    const key = JSON.stringify([source.runtimeVersion, source.targetVersion, source.architectures?.join('')]);
    sources.set(key, merged(sources.get(key), source));
  }
  const usable = [...sources.values()].filter(
    ({ architectures }) => architectures?.includes('amd64') ?? true,
  );
  const found = usable.find(({ architectures }) => architectures?.length === 1) ?? usable[0];
  if (found !== undefined) return imageText(found);
  throw new LarderError(
    'CONFIG_INVALID',
    `could not find image "${REGISTRY}": neither --image (LARDER_IMAGE) nor an entry of that name in IMAGEVECTOR_OVERWRITE is there`,
  );
}

/** The reference of an image, in two parts. A digest belongs to the tag. */
function sourceOf(image: string): ImageSource {
  const [, repository = image, tag, digest] = /^(.+?)(?::([^/:@]+))?(?:@(.+))?$/.exec(image) ?? [];
  const whole = tag !== undefined && digest !== undefined ? `${tag}@${digest}` : (tag ?? digest);
  return { name: REGISTRY, repository, tag: whole };
}

function merged(old: ImageSource | undefined, source: ImageSource): ImageSource {
  if (source.ref !== undefined || old === undefined) return source;
  return { ...source, tag: source.tag ?? old.tag };
}

function imageText({ ref, repository = '', tag }: ImageSource): string {
  if (ref !== undefined) return ref;
  if (tag === undefined) return repository;
  return `${repository}${tag.startsWith('sha256:') ? '@' : ':'}${tag}`;
}
