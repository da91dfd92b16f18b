import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuleTester } from 'oxlint/plugins-dev';
import { tempDir } from '../../kit/index.ts';
import { observedPromises } from './observed-promises.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CONFIG = join(ROOT, '.oxlintrc.json');
const OXLINT = join(ROOT, 'node_modules', 'oxlint', 'bin', 'oxlint');

// Runs samples directly, and names the sample that fails.
RuleTester.describe = (_name, body) => body();
RuleTester.it = (code, body) => {
  try {
    body();
  } catch (cause) {
    throw new Error(code, { cause });
  }
};

const P = 'p: Promise<string>';

const GOOD = [
  `async function f(${P}) { await p; }`,
  `async function f(${P}) { return p; }`,
  `async function f(${P}) { const found = await p; await other(found); }`,
  `function f(${P}) { p.catch(() => {}); }`,
  `function f(${P}) { return p.then(use, refuse).finally(end); }`,
  `const f = (${P}) => p;`,
  `const f = async (${P}) => await p;`,
  `const f = (${P}) => ({ p });`,
  `async function f(${P}, q: PromiseLike<void>) { await Promise.all([p, q]); }`,
  `async function f(${P}) { const running = { by: 1, p }; keep(p); await other(); }`,
  `async function f(${P}) { return await untilAborted(p, signal); }`,
  `async function f(${P}) { if (isReady) keep(p); else await p; }`,
  `async function f(${P}) { if (isReady) log(); return isReady ? await p : keep(p); }`,
  `async function f(p?: Promise<string>) { if (p === undefined) return; await p; }`,
  `async function f(p: Promise<string> | undefined) { if (p !== undefined) await p; await other(); }`,
  `async function f(p: Promise<string> | null) { p?.catch(() => {}); await other(); }`,
  `async function f(p: Promise<string> | undefined) { await (p ?? other()); }`,
  `async function f({ p, q }: { p: Promise<string>; q: string }) { await p; }`,
  `async function f({ p: mine = other() }: { p: Promise<string> }) { await mine; }`,
  `async function f(p: Promise<string> = other()) { await p; }`,
  `async function f(${P}) { try { await p; } catch { return; } finally { end(); } }`,
  `async function f(${P}) { for (;;) { if (await p) return; } }`,
  `async function f(${P}) { const late = () => { return 1; }; await p; late(); }`,
  `class A { async f(${P}) { await p; } }`,
  `interface A { f(${P}): void } declare function f(${P}): void; abstract class B { abstract f(${P}): void }`,
  `async function f(name: string) { await other(); }`,
  `function untilAborted(${P}, signal: AbortSignal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener('abort', reject);
      p.then(resolve, reject);
    });
  }`,
];

const [LEFT, NEVER] = [[{ messageId: 'left' }], [{ messageId: 'never' }]];

const BAD = [
  // This code once ended the process.
  {
    code: `function untilAborted(${P}, signal: AbortSignal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        p.then(resolve, reject);
      });
    }`,
    errors: LEFT,
  },
  { code: `async function f(${P}) { if (isDone) return; await p; }`, errors: LEFT },
  { code: `async function f(${P}) { if (isDone) throw new Error(); await p; }`, errors: LEFT },
  { code: `async function f(${P}) { await other(); await p; }`, errors: LEFT },
  { code: `async function f(${P}) { const x = [await other(), p]; await p; }`, errors: LEFT },
  { code: `async function f(${P}) { keep(await other(), p); }`, errors: LEFT },
  { code: `async function f(${P}) { for await (const one of many) use(one); await p; }`, errors: LEFT },
  { code: `async function f(${P}) { while (isBusy()) await other(); await p; }`, errors: LEFT },
  { code: `async function f(${P}) { try { await other(); } finally { await p; } }`, errors: LEFT },
  { code: `async function f(${P}) { switch (kind) { case 1: return; default: await p; } }`, errors: LEFT },
  { code: `async function f(${P}) { isDone && (await other()); await p; }`, errors: LEFT },
  { code: `async function f(p?: Promise<string>) { if (p !== undefined) return; await p; }`, errors: LEFT },
  { code: `function* f(${P}) { yield 1; return p; }`, errors: LEFT },
  { code: `function f(${P}) { return 1; }`, errors: LEFT },
  { code: `function f(${P}) {}`, errors: NEVER },
  { code: `function f(${P}) { void p; }`, errors: NEVER },
  { code: `function f(${P}) { this.p = p; }`, errors: NEVER },
  { code: `async function f(${P}) { if (isReady) await p; }`, errors: NEVER },
  { code: `async function f(${P}) { for (const one of many) await p; }`, errors: NEVER },
  { code: `function f(${P}) { later(() => p.catch(() => {})); }`, errors: NEVER },
  { code: `const f = (${P}) => 1;`, errors: NEVER },
  { code: `async function f(p: Promise<string> | string) { return 1; }`, errors: LEFT },
  { code: `async function f({ p }: { p: Promise<string> }) { await other(); }`, errors: LEFT },
  { code: `class A { constructor(${P}) {} }`, errors: NEVER },
];

const tester = new RuleTester({ languageOptions: { parserOptions: { lang: 'ts' } } });

test('a promise that is awaited, returned, given a handler or passed on before any path can leave is accepted', () => {
  tester.run('observed-promises', observedPromises, { valid: GOOD, invalid: [] });
});

test('the report names the place where a function may leave an unobserved promise, or the promise that no path observes', () => {
  tester.run('observed-promises', observedPromises, { valid: [], invalid: BAD });
});

test('the configuration of oxlint has the rule', () => {
  using files = tempDir();
  const [good, bad] = [GOOD[0] as string, `async function f(${P}) { await other(); await p; }`].map(
    (code, index) => files.write(`sample-${index}.ts`, `export ${code}\n`),
  ) as [string, string];
  const lint = (file: string) =>
    spawnSync(process.execPath, [OXLINT, '--config', CONFIG, '--allow', 'no-unused-vars', file], {
      encoding: 'utf8',
    });
  assert.deepEqual([lint(good).status, lint(good).stderr], [0, '']);
  assert.match(lint(bad).stdout, /house\(observed-promises\)/);
  assert.equal(lint(bad).status, 1);
});
