/**
 * The secrets that a test process gave out: passwords and tokens of its upstreams, configured credentials of its caches. One register
 * for the process: whoever starts an upstream here and a cache there must not have to remember to bring the two together.
 */

/** Shorter values are not looked for: `a` or `secret` stand in any log. Their base64 form is longer, and is. */
const SHORTEST = 8;

/** Notes a secret, or the form of all secrets of a kind, and whose it is, for the message: the value itself is never shown. */
export function noteSecret(secret: string | RegExp, whose: string): void {
  if (typeof secret !== 'string') forms.set(secret.source, { form: secret, whose });
  else if (secret.length >= SHORTEST) values.set(secret, whose);
}

/** Notes a password, and what an `Authorization: Basic` header makes of it. */
export function noteLogin(user: string, password: string): void {
  noteSecret(password, `password of ${user}`);
  noteSecret(base64Of(`${user}:${password}`), `Basic login of ${user}`);
}

/** Notes what the key files of a configured secret hold. Names and certificates are none. */
export function noteSecretFiles(name: string, keys: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(keys)) {
    if (key === 'password') noteLogin(keys['username'] ?? '', value);
    if (key === '.dockerconfigjson') noteDockerConfig(name, value);
  }
}

/** True once there is something to look for. */
export function hasSecrets(): boolean {
  return values.size + forms.size > 0;
}

/** Whose secrets stand in the text. */
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
