/**
 * The secrets of a test process: passwords and tokens of its upstreams, configured credentials of its caches. There is one register for the
 * process, so that a test need not connect an upstream and a cache by itself.
 */

/** Shortest value that is searched: `a` or `secret` occur in any log. Their base64 form is longer, and is searched. */
const SHORTEST = 8;

/** Notes a secret, or the form of all secrets of a kind, and its owner for the message, which never has the value itself. */
export function noteSecret(secret: string | RegExp, whose: string): void {
  if (typeof secret !== 'string') forms.set(secret.source, { form: secret, whose });
  else if (secret.length >= SHORTEST) values.set(secret, whose);
}

/** Notes a password, and its form in an `Authorization: Basic` header. */
export function noteLogin(user: string, password: string): void {
  noteSecret(password, `password of ${user}`);
  noteSecret(base64Of(`${user}:${password}`), `Basic login of ${user}`);
}

/** Notes the contents of a configured secret's key files, without names and certificates. */
export function noteSecretFiles(name: string, keys: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(keys)) {
    if (key === 'password') noteLogin(keys['username'] ?? '', value);
    if (key === '.dockerconfigjson') noteDockerConfig(name, value);
  }
}

/** True once a secret was noted. */
export function hasSecrets(): boolean {
  return values.size + forms.size > 0;
}

/** Owners of the secrets in a text. */
export function secretsIn(text: string): string[] {
  return [
    ...[...values].filter(([value]) => text.includes(value)).map(([, whose]) => whose),
    ...[...forms.values()].filter(({ form }) => form.test(text)).map(({ whose }) => whose),
  ];
}

const values = new Map<string, string>();
const forms = new Map<string, { readonly form: RegExp; readonly whose: string }>();

function noteDockerConfig(name: string, text: string): void {
  for (const secret of text.matchAll(/"(?:auth|password|identitytoken|registrytoken)"\s*:\s*"([^"]+)"/g)) {
    noteSecret(secret[1] ?? '', `.dockerconfigjson of ${name}`);
  }
  for (const auth of text.matchAll(/"auth"\s*:\s*"([^"]+)"/g)) {
    const [user = '', ...password] = Buffer.from(auth[1] ?? '', 'base64')
      .toString()
      .split(':');
    noteLogin(user, password.join(':'));
  }
}

/** Without padding, which a header may leave out. */
function base64Of(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}
