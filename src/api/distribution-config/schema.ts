import { z } from 'zod';
import { goQuote } from '../../kit/document/go-quote.ts';
import { readAddress, type Address } from '../../kit/listen.ts';
import { DURATION, maybe, strictMap, string } from '../document/schema-fields.ts';

/**
 * The keys of the Distribution project's configuration (version 0.1) that the Go extension writes. The input is a
 * document whose scalars are texts. Keys without effect in Larder are read as well, so that a mistake in them shows.
 */
export const distributionSchema = strictMap({
  version: maybe(string().optional()),
  log: section({ fields: section({ service: maybe(string().optional()) }) }),
  storage: section({
    /** Without effect: what is removed, and when, depends on `proxy.ttl` and the room on the volume. */
    delete: section({ enabled: maybe(boolean().optional()) }),
    filesystem: section({ rootdirectory: maybe(notEmpty('a directory').optional()) }),
    /** Without effect. */
    tag: section({ concurrencylimit: maybe(integer().optional()) }),
  }),
  http: section({
    addr: maybe(address().optional()),
    debug: section({
      addr: maybe(address().optional()),
      prometheus: section({
        enabled: maybe(boolean().prefault('false')),
        path: maybe(readAs('a path such as "/metrics"', metricsPath).prefault('/metrics')),
      }),
    }),
    draintimeout: maybe(DURATION.optional()),
    tls: section({
      certificate: maybe(notEmpty('a file').optional()),
      key: maybe(notEmpty('a file').optional()),
    }),
    headers: maybe(headers().prefault({})),
  }),
  /** Without effect: Larder passes pulls through when its store fails. */
  health: section({
    storagedriver: section({
      enabled: maybe(boolean().optional()),
      interval: maybe(DURATION.optional()),
      threshold: maybe(integer().optional()),
    }),
  }),
  proxy: section({
    remoteurl: z.preprocess((value) => value ?? '', string()),
    ttl: maybe(string().optional()),
    username: maybe(string().optional()),
    password: maybe(string().optional()),
  }),
});

/** The document, with addresses and durations parsed. */
export type DistributionDocument = z.output<typeof distributionSchema>;

function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, strictMap(shape));
}

function readAs<Value>(expected: string, parse: (text: string) => Value | undefined) {
  return z.string(expected).transform((text, context): Value => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `must be ${expected}, found ${goQuote(text)}` });
    return z.NEVER;
  });
}

function boolean() {
  return readAs('true or false', (text) => (text === 'true' ? true : text === 'false' ? false : undefined));
}

function integer() {
  return readAs('an integer', (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : undefined));
}

function notEmpty(expected: string) {
  return readAs(expected, (text) => (text === '' ? undefined : text));
}

/** An address as Go writes it: without a host it means all addresses. */
function address() {
  return readAs('an address such as ":5000"', (text): Address | undefined =>
    readAddress(text.startsWith(':') ? `[::]${text}` : text),
  );
}

function metricsPath(text: string): string | undefined {
  return /^\/[\x21-\x7e]*$/.test(text) && !/[?#]/.test(text) ? text : undefined;
}

/** Header fields by name (RFC 9110, section 5): tokens with lists of values. */
function headers() {
  const name = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'a map of header fields');
  const value = z.string('a text').regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a value of a header field');
  return z.record(name, z.array(value, 'a list of texts'), 'a map of header fields');
}
