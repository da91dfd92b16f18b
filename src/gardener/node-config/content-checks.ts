import { goQuote } from '../../kit/document/go-quote.ts';
import { readYamlText } from '../../kit/document/yaml-text.ts';
import { LarderError } from '../../kit/errors.ts';
import type { InlineContent, OsConfig } from './os-config.ts';
import { unitFileProblem } from './unit-file.ts';

const KUBELET_UNIT = 'kubelet.service';
const KUBELET_CONFIG = '/var/lib/kubelet/config/kubelet';
const KERNEL_SETTINGS = '/etc/sysctl.d/99-k8s-general.conf';

/**
 * Checks that the unit and the configuration of the kubelet and the kernel settings can be read, in the new configuration and in the old one, as
 * Gardener's library of webhooks does, which reads and writes them (v1.147.1). Here they stay as they are: that library drops fields of the
 * kubelet that it does not know. Throws `CONFIG_INVALID` in the words of that library.
 */
export function checkContents(next: OsConfig, old: OsConfig | undefined): void {
  check('deserialize', 'kubelet.service unit content', unitOf, unitFileProblem);
  check('decode', 'kubelet configuration', fileAt(KUBELET_CONFIG), kubeletConfigProblem);
  check('decode', 'kubernetes general configuration', fileAt(KERNEL_SETTINGS), contentProblem);

  /** The old content is looked at only if there is a new one. */
  function check<Content>(
    verb: string,
    what: string,
    find: (osConfig: OsConfig) => Content | undefined,
    problemOf: (content: Content) => string | undefined,
  ): void {
    if (find(next) === undefined) return;
    for (const [osConfig, age] of [
      [next, ''],
      [old, 'old '],
    ] as const) {
      const content = osConfig && find(osConfig);
      const problem = content === undefined ? undefined : problemOf(content);
      if (problem !== undefined)
        throw new LarderError('CONFIG_INVALID', `could not ${verb} ${age}${what}: ${problem}`);
    }
  }
}

function unitOf({ spec: { units } }: OsConfig): string | undefined {
  return units.find(({ name }) => name === KUBELET_UNIT)?.content;
}

function fileAt(path: string) {
  return ({ spec: { files } }: OsConfig) => files.find((file) => file.path === path)?.content.inline;
}

function kubeletConfigProblem(content: InlineContent): string | undefined {
  const problem = contentProblem(content);
  if (problem !== undefined) return `could not decode kubelet config file content data: ${problem}`;
  const { encoding, data } = content;
  const text = encoding === 'b64' ? Buffer.from(data, 'base64').toString() : data;
  const { value, problems } = readYamlText(firstDocument(text));
  const [unreadable] = problems.filter(({ kind }) => kind === 'Syntax');
  const reason = unreadable === undefined ? typeProblem(value) : `yaml: ${unreadable.message}`;
  return reason && `could not decode kubelet configuration from YAML: ${reason}`;
}

/** Go reads no further. A marker of documents stands at the begin of a line wherever it is one (YAML 1.2, section 9.1). */
function firstDocument(text: string): string {
  const [first = ''] = text
    .replace(/^(?:[#%].*\n|[ \t\r]*\n)*---(?=\s|$)/, '')
    .split(/^(?:---|\.\.\.)(?=\s|$)/m);
  return first;
}

/** Type and version may be missing. Fields are the kubelet's matter. */
function typeProblem(document: unknown): string | undefined {
  if (document === undefined || document === null) return undefined;
  if (typeof document !== 'object' || Array.isArray(document)) return 'expected a map';
  const { apiVersion = '', kind = '' } = document as {
    readonly apiVersion?: unknown;
    readonly kind?: unknown;
  };
  const isVersion = ['', 'kubelet.config.k8s.io/v1beta1'].includes((apiVersion ?? '') as string);
  if (isVersion && ['', 'KubeletConfiguration'].includes((kind ?? '') as string)) return undefined;
  return `no kind ${goQuote(String(kind))} is registered for version ${goQuote(String(apiVersion))} here`;
}

/** Padding is required, and line breaks count for nothing, as in Go's `encoding/base64`. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function contentProblem({ encoding, data }: InlineContent): string | undefined {
  if (encoding === '') return undefined;
  if (encoding !== 'b64')
    return `could not parse file codec ID '${encoding}': invalid file codec id ${goQuote(encoding)}`;
  if (BASE64.test(data.replaceAll(/[\r\n]/g, ''))) return undefined;
  const index = Buffer.byteLength(/^[A-Za-z0-9+/\r\n]*/.exec(data)?.[0] ?? '');
  return `could not decode data using file codec: illegal base64 data at input byte ${index}`;
}
