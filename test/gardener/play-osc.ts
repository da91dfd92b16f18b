/** The questions of API servers to the webhooks for configurations of nodes, and the answers in the form of the recordings. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { EXTENSION_WEBHOOKS } from '../../src/gardener/names.ts';
import type { JsonPatchOperation, MergePatch } from '../../src/kube/types.ts';
import { jsonPatch } from '../kube/json-patch.ts';
import { mergePatched } from '../kube/merge-patch.ts';
import { refusal, type ApiStatus } from '../cluster/api-requests.ts';
import type { AnsweredReview } from '../kube/reviews.ts';

/** Step `osc` of a recording. */
export interface OscStep {
  /** One webhook by its name; both in their order by default. */
  readonly webhook?: string;
  /** `apiserver`: the object is created at an API server, which asks the webhooks that are registered for the namespace. */
  readonly via?: string;
  readonly osc?: MergePatch;
  /** Patch of the object before. Undefined: there is none. */
  readonly old?: MergePatch | null;
  readonly kind?: object;
  readonly operation?: string;
  readonly namespace?: string;
  readonly extraFiles?: readonly object[];
  readonly extraUnits?: readonly object[];
}

/** Sends the `request` of a review to a path, and gives the response. */
export type AskWebhook = (path: string, request: object) => Promise<AnsweredReview['response']>;

export interface OscPlace {
  readonly ask: AskWebhook;
  /** Creates an object at an API server that asks the webhooks itself. Undefined: what such a server does is played. */
  readonly create?: (object: object) => Promise<object | ApiStatus>;
  readonly namespace: string;
  /** Changes of the labels that a namespace with both extensions has. */
  readonly namespaceLabels?: Readonly<Record<string, string | null>>;
  /** Describes PEM, and puts placeholders for what differs each time. */
  readonly described: (text: string) => unknown;
  readonly masked: (value: unknown) => unknown;
}

export interface OsConfigObject {
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The OperatingSystemConfig that the cases change, as gardenlet writes one. */
export function baseOsConfig(): OsConfigObject {
  return parse(readFileSync(new URL('cases/osc-base.yaml', import.meta.url), 'utf8')) as OsConfigObject;
}

/** The object of a step. */
export function osConfigOf(step: OscStep, namespace: string): OsConfigObject {
  const { metadata, spec } = mergePatched(baseOsConfig(), step.osc ?? {});
  const extended = (field: string, more: readonly object[] | undefined): object =>
    more === undefined ? {} : { [field]: [...((spec[field] ?? []) as object[]), ...more] };
  return {
    ...baseOsConfig(),
    metadata: { ...metadata, namespace: step.namespace ?? namespace },
    spec: { ...spec, ...extended('files', step.extraFiles), ...extended('units', step.extraUnits) },
  };
}

/** Plays a step, and returns what the recordings have of it. */
export async function playOsc(place: OscPlace, step: OscStep): Promise<object> {
  const first = osConfigOf(step, place.namespace);
  if (step.via !== undefined && place.create !== undefined)
    return { via: step.via, ...created(place, first, await place.create(first)) };
  let current = first;
  const answers: Record<string, object> = {};
  for (const webhook of webhooksOf(place, step)) {
    const response = await place.ask(`/webhooks/${webhook}`, requestOf(step, current));
    const { allowed, status, patch, patchType } = response;
    const changed = patch === undefined ? current : patched(current, patch);
    if (step.via !== undefined && !allowed) {
      const words = `admission webhook "${webhook}.registry-cache.extensions.gardener.cloud" denied the request`;
      return { via: step.via, allowed, message: `${status?.code}: ${words}: ${status?.message}` };
    }
    answers[webhook] = {
      httpStatus: 200,
      allowed,
      code: status?.code,
      message: status?.message && cleaned(status.message),
      patchType,
      ...(patch !== undefined && { changes: changesOf(place, current, changed) }),
    };
    current = changed;
  }
  if (step.via === undefined) return { webhooks: answers };
  return { via: step.via, allowed: true, changes: changesOf(place, first, current) };
}

function created(place: OscPlace, sent: OsConfigObject, answer: object): object {
  const problem = refusal(answer);
  if (problem !== undefined) return { allowed: false, message: `403: ${problem.message}` };
  // The server adds to the metadata.
  const after = { ...sent, spec: (answer as OsConfigObject).spec };
  return { allowed: true, changes: changesOf(place, sent, after) };
}

function webhooksOf(
  { namespaceLabels = {} }: OscPlace,
  { webhook = 'both', via }: OscStep,
): readonly string[] {
  if (via === undefined) return webhook === 'both' ? EXTENSION_WEBHOOKS : [webhook];
  return EXTENSION_WEBHOOKS.filter((type) => {
    const label = namespaceLabels[`extensions.gardener.cloud/${type}`];
    return label === undefined || label === 'true';
  });
}

const KIND = { group: 'extensions.gardener.cloud', version: 'v1alpha1', kind: 'OperatingSystemConfig' };

/** The `request` of a review of the object. */
export function requestOf(
  { kind = KIND, operation = 'CREATE', old }: OscStep,
  object: OsConfigObject,
): object {
  const { name, namespace } = object.metadata;
  const oldObject = old === undefined || old === null ? null : mergePatched(baseOsConfig(), old);
  return { uid: 'f0d1c2b3-0000-4000-8000-000000000001', kind, name, namespace, operation, object, oldObject };
}

function patched(object: OsConfigObject, patch: string): OsConfigObject {
  const operations = JSON.parse(Buffer.from(patch, 'base64').toString()) as JsonPatchOperation[];
  return jsonPatch(object, operations as Parameters<typeof jsonPatch>[1]);
}

/** Masks the object that Go prints into the message. */
function cleaned(message: string): string {
  return message.replace(/^(could not decode (?:request|old object) ).*\}: /s, '$1<...>: ');
}

const KEYS: Readonly<Record<string, string>> = { files: 'path', units: 'name' };

type Item = Readonly<Record<string, unknown>>;

function changesOf(place: OscPlace, before: OsConfigObject, after: OsConfigObject): unknown {
  const changes: Record<string, unknown> = {};
  for (const field of new Set([...Object.keys(before.spec), ...Object.keys(after.spec)])) {
    const [was, is] = [before.spec[field], after.spec[field]];
    if (isDeepStrictEqual(was, is)) continue;
    const key = KEYS[field];
    changes[field] =
      key !== undefined && Array.isArray(was) && Array.isArray(is)
        ? listChanges(place, key, was as Item[], is as Item[])
        : { was, is };
  }
  const rest = ({ spec: _spec, ...others }: OsConfigObject): object => others;
  if (!isDeepStrictEqual(rest(before), rest(after))) changes['beside spec'] = rest(after);
  return place.masked(changes);
}

function listChanges(place: OscPlace, key: string, was: readonly Item[], is: readonly Item[]): object {
  const old = new Map(was.map((item) => [item[key], item]));
  const kept = new Set(is.map((item) => item[key]));
  const added = is.filter((item) => !old.has(item[key]));
  const changed = is.filter((item) => old.has(item[key]) && !isDeepStrictEqual(old.get(item[key]), item));
  return {
    added: added.map((item) => describedFile(place, item)),
    removed: [...old.keys()].filter((name) => !kept.has(name)),
    changed: changed.map((item) => describedFile(place, item)),
    order: is.map((item) => item[key]),
  };
}

function describedFile({ described }: OscPlace, file: Item): object {
  const { content } = file as {
    readonly content?: { readonly inline?: { readonly encoding: string; readonly data: string } };
  };
  const { inline } = content ?? {};
  if (inline?.encoding !== 'b64') return file;
  const text = Buffer.from(inline.data, 'base64').toString();
  const data = { 'base64 of': text.startsWith('-----BEGIN CERT') ? described(text) : text };
  return { ...file, content: { ...content, inline: { ...inline, data } } };
}
