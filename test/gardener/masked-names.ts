import { hash } from 'node:crypto';

/** Puts the placeholders of the recordings for names and addresses that differ each time. */
export interface NameMask {
  /** Adds a name. The placeholder is `base` with a number. */
  add(name: string, base: string): void;
  addAddress(address: string, service: string): void;
  /** Replaces what was added, in texts and keys. */
  apply(value: unknown): unknown;
  /** The newest name behind a placeholder; other names are returned as they are. */
  real(placeholder: string): string;
}

export function createNameMask(): NameMask {
  const placeholders = new Map<string, string>();
  const counts = new Map<string, number>();

  function textOf(text: string): string {
    let masked = text;
    for (const real of [...placeholders.keys()].toSorted((a, b) => b.length - a.length)) {
      masked = masked.replaceAll(real, placeholders.get(real) ?? '');
    }
    return masked;
  }

  function apply(value: unknown): unknown {
    if (typeof value === 'string') return textOf(value);
    if (Array.isArray(value)) return value.map(apply);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [keyOf(key, inner), apply(inner)]));
  }

  /** A reference annotation has a hash of the name in its key. */
  function keyOf(key: string, value: unknown): string {
    const placeholder = typeof value === 'string' ? placeholders.get(value) : undefined;
    const isReference = placeholder !== undefined && key === `${REFERENCE}${shortHash(String(value))}`;
    return isReference ? `${REFERENCE}SHA8(${placeholder})` : textOf(key);
  }

  return {
    add(name, base) {
      if (placeholders.has(name)) return;
      const count = (counts.get(base) ?? 0) + 1;
      counts.set(base, count);
      placeholders.set(name, `${base}-RANDOM${count}`);
    },
    addAddress(address, service) {
      const own = `CLUSTERIP(${service})`;
      if (placeholders.get(address)?.startsWith(own) === true) return;
      const count = (counts.get(own) ?? 0) + 1;
      counts.set(own, count);
      placeholders.set(address, count === 1 ? own : `${own}${count}`);
    },
    apply,
    real: (placeholder) => [...placeholders].find(([, one]) => one === placeholder)?.[0] ?? placeholder,
  };
}

const REFERENCE = 'reference.resources.gardener.cloud/secret-';

export function shortHash(text: string): string {
  return hash('sha256', text).slice(0, 8);
}
