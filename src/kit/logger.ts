import { pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Record<string, unknown>;

/** Static message, fields beside it. Never a secret, never a query string of an upstream URL. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** False when lines of this level go nowhere, so that the caller can skip building their fields. */
  enabled(level: LogLevel): boolean;
  /** A logger whose lines all carry `fields`. */
  with(fields: LogFields): Logger;
}

export interface LogOptions {
  level: LogLevel;
  format: 'json' | 'text';
}

/**
 * Writes lines to `write`: JSON objects with `level`, `time` (RFC 3339), `msg` and the fields, or, with format `text`,
 * the same content for a person.
 */
export function createLogger(options: LogOptions, write: (line: string) => void): Logger {
  const sink = options.format === 'json' ? write : (line: string) => write(textLine(line));
  const base = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: sink },
  );
  return wrap(base);
}

/** Drops every line: for tests and for libraries used without a program around them. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  enabled: () => false,
  with: () => silentLogger,
};

interface PinoLike {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  isLevelEnabled(level: string): boolean;
  child(fields: LogFields): PinoLike;
}

function wrap(target: PinoLike): Logger {
  return {
    debug: (message, fields = {}) => target.debug(fields, message),
    info: (message, fields = {}) => target.info(fields, message),
    warn: (message, fields = {}) => target.warn(fields, message),
    error: (message, fields = {}) => target.error(fields, message),
    enabled: (level) => target.isLevelEnabled(level),
    with: (fields) => wrap(target.child(fields)),
  };
}

function textLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(fields)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`)
    .join('');
  return `${String(time).slice(11, 19)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)}${rest}\n`;
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
