import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { AdmissionRequest } from '../../src/kube/webhook/admission.ts';
import type { ReferencedSecret } from '../../src/gardener/admission/secret-checks.ts';

type Validator = 'cache' | 'mirror';
/** `null` if the Shoot is allowed. */
type RecordedAnswer = { readonly code: number; readonly message: string } | null;

interface RecordedCase {
  readonly name: string;
  /** The API version of the review, if it is another than `admission.k8s.io/v1`. */
  readonly reviewVersion?: string;
  readonly kind?: AdmissionRequest['kind'];
  readonly operation?: string;
  readonly unordered?: true;
  readonly secrets?: Record<string, { data?: Record<string, string>; immutable?: boolean }>;
  readonly old?: object;
  readonly new: { readonly spec?: Record<string, unknown> };
  readonly code?: number;
  readonly cache?: string | null;
  readonly mirror?: string | null;
}

/** A request, and what a validator of the Gardener extension has answered. */
export interface RecordedAdmission {
  readonly name: string;
  readonly validator: Validator;
  /** The API version of the review: `admission.k8s.io/v1`. */
  readonly reviewVersion: string;
  readonly request: AdmissionRequest;
  /** The Secrets of the Shoot's namespace. */
  readonly secrets: ReadonlyMap<string, ReferencedSecret>;
  readonly answer: RecordedAnswer;
  /** True if the problems of the message may be in any order. They are sorted. */
  readonly unordered: boolean;
}

const file = (name: string): string => readFileSync(new URL(`cases/${name}`, import.meta.url), 'utf8');
const cases = (): RecordedCase[] => parse(file('admission.yaml')) as RecordedCase[];

/** The Shoot that the cases change. It has neither caches nor mirrors. */
export function baseShoot(): { apiVersion: string; kind: string; metadata: object; spec: object } {
  return parse(file('shoot.yaml')) as ReturnType<typeof baseShoot>;
}

/** All recorded requests to the admission webhooks, one for each validator that was asked. */
export function recordedAdmissions(): RecordedAdmission[] {
  return cases().flatMap((recorded) =>
    (['cache', 'mirror'] as const)
      .filter((validator) => recorded[validator] !== undefined)
      .map((validator) => {
        const { name, unordered = false, reviewVersion = 'admission.k8s.io/v1' } = recorded;
        const message = recorded[validator] ?? null;
        const answer = message === null ? null : { code: recorded.code ?? 403, message };
        return {
          name,
          validator,
          reviewVersion,
          request: requestOf(recorded),
          secrets: secretsOf(recorded),
          answer,
          unordered,
        };
      }),
  );
}

/** The recorded documents of new Shoots of which nothing else was changed. */
export function recordedDocuments(
  type: 'registry-cache' | 'registry-mirror',
): { name: string; document: unknown }[] {
  const validator = type === 'registry-cache' ? 'cache' : 'mirror';
  return cases().flatMap((recorded) => {
    const { name, new: patch, old, reviewVersion, kind, operation } = recorded;
    const isPlain = [old, reviewVersion, kind, operation].every((field) => field === undefined);
    const onlyExtensions = Object.keys(patch.spec ?? {}).join() === 'extensions';
    if (recorded[validator] === undefined || !isPlain || !onlyExtensions) return [];
    const document = providerConfigIn(patch, type);
    return document === undefined || document === null ? [] : [{ name, document }];
  });
}

/** The recorded changes of caches: the lists before and after. */
export function recordedUpdates(): { name: string; old: unknown; new: unknown; message: string | null }[] {
  const cachesIn = (patch: object) =>
    (providerConfigIn(patch, 'registry-cache') as { caches?: unknown } | undefined)?.caches;
  return cases().flatMap(({ name, old, new: changed, cache }) => {
    const [before, after] = [old && cachesIn(old), cachesIn(changed)];
    return before === undefined || after === undefined || cache === undefined
      ? []
      : [{ name, old: before, new: after, message: cache }];
  });
}

/** The `providerConfig` of the first entry of a type. */
export function providerConfigIn(shoot: object, type: string): unknown {
  const { extensions } = (shoot as { spec?: { extensions?: unknown } }).spec ?? {};
  if (!Array.isArray(extensions)) return undefined;
  const entries = extensions as { type: string; providerConfig?: unknown }[];
  return entries.find((entry) => entry.type === type)?.providerConfig;
}

function requestOf({ kind, operation, old, new: patch }: RecordedCase): AdmissionRequest {
  const request = {
    uid: 'f0d1c2b3-0000-4000-8000-000000000001',
    kind: kind ?? { group: 'core.gardener.cloud', version: 'v1beta1', kind: 'Shoot' },
    namespace: 'garden-p',
    name: 's',
    operation: operation ?? (old === undefined ? 'CREATE' : 'UPDATE'),
    object: merged(baseShoot(), patch),
    oldObject: old === undefined ? undefined : merged(baseShoot(), old),
  };
  return { ...request, text: JSON.stringify({ request }) };
}

function secretsOf({ secrets = {} }: RecordedCase): Map<string, ReferencedSecret> {
  const content = (text: string) => text.replaceAll(/<([a-z0-9-]+\.pem)>/g, (_, name: string) => file(name));
  const encode = (text: string) => Buffer.from(content(text)).toString('base64');
  return new Map(
    Object.entries(secrets).map(([name, { data = {}, ...secret }]) => {
      const entries = Object.entries(data).map(([key, text]) => [key, encode(text)]);
      return [
        name,
        { type: 'Opaque', ...secret, data: Object.fromEntries(entries) as Record<string, string> },
      ];
    }),
  );
}

/** Applies a JSON merge patch (RFC 7386). */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const map = new Map(
    Object.entries(typeof target === 'object' && !Array.isArray(target) ? (target ?? {}) : {}),
  );
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) map.delete(key);
    else map.set(key, merged(map.get(key), value));
  }
  return Object.fromEntries(map);
}
