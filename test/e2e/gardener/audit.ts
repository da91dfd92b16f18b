import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Directory } from '../../kit/temp.ts';

/** Record of all that an API server was asked and answered, bodies included. */
export interface AuditLog {
  /** Flags of the API server. */
  readonly flags: Readonly<Record<string, string>>;
  /** Number of requests in the log. */
  count(): number;
  /** Requests whose line in the log has the text in it, plain or in base64. */
  withText(text: string): string[];
  /** Requests after the first ones, as many as {@link AuditLog.count} was then; 0: all. */
  since(count: number): AuditedRequest[];
}

/** Request of an audit log (`audit.k8s.io/v1`), as far as the suites read it. */
export interface AuditedRequest {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly responseStatus?: { readonly code?: number };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
}

const POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'RequestResponse' }],
};

/** Prepares the audit log of one API server. It is written as requests end, so that each answered one is in it. */
export function createAuditLog(own: Directory, name: string): AuditLog {
  const path = join(own.path, `${name}.audit`);
  const lines = (): string[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  return {
    flags: {
      'audit-policy-file': own.write(`${name}.audit-policy.json`, JSON.stringify(POLICY)),
      'audit-log-path': path,
      'audit-log-mode': 'blocking-strict',
      'audit-log-maxsize': '4096',
    },
    count: () => lines().length,
    withText(text) {
      const forms = [text, ...base64Forms(text)];
      return lines()
        .filter((line) => forms.some((form) => line.includes(form)))
        .map((line) => {
          const { verb, requestURI } = JSON.parse(line) as AuditedRequest;
          return `${verb} ${requestURI}`;
        });
    },
    since: (count) =>
      lines()
        .slice(count)
        .map((line) => JSON.parse(line) as AuditedRequest),
  };
}

/** The text inside of base64 begins at one of three places of a group, and shares its first and last characters with what is around it. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from(' '.repeat(shift) + text).toString('base64');
    return encoded.slice(Math.ceil((shift * 4) / 3), -4);
  });
}

/** True for requests of a program of Larder, by its `User-Agent`. */
export function isOf(program: 'extension' | 'operator' | 'node-agent') {
  const agent = new RegExp(`^larder/\\S+ \\(${program}\\)`);
  return ({ userAgent = '' }: AuditedRequest): boolean => agent.test(userAgent);
}

/** True for requests that change something. */
export function isWrite({ verb }: AuditedRequest): boolean {
  return ['create', 'update', 'patch', 'delete'].includes(verb);
}
