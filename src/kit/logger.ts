import { pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Record<string, unknown>;

/** Logs static messages with fields. Fields never hold a secret or the query string of an upstream's URL. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** False for a level that is not written, so that the caller can skip building fields. */
  enabled(level: LogLevel): boolean;
  /** A logger that adds `fields` to all its lines. */
  with(fields: LogFields): Logger;
}

export interface LogOptions {
  level: LogLevel;
  format: 'json' | 'text';
}

/**
 * Writes lines to `write`: JSON objects with `level`, `time` (RFC 3339), `msg` and the fields, or with format `text` the same content for
 * people.
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

/** Drops every line, for tests and for libraries without a program around them. */
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
