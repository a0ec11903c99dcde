import { isAbsolute, join, resolve } from 'node:path';
import type { KeyDefinition } from './config-schema.ts';
import {
  formatAddress,
  formatBytes,
  formatDuration,
  isLoopback,
  type ListenAddress,
  off,
  parseAddress,
  parseAddresses,
  parseBoolean,
  parseBytes,
  parseDomain,
  parseDuration,
  parseInteger,
} from './config-values.ts';
import { type Secret, secretOf } from './secret.ts';
import { StartRefusal } from './start-refusal.ts';

/** What a key may hold once read. */
export type ConfigValue = string | number | boolean | null | ListenAddress | readonly ListenAddress[] | Secret;

/** Where relative paths of one source begin. */
export interface PathBase {
  readonly folder: string;
  readonly home: string;
}

/** Reads the text of one key by its definition; throws a StartRefusal that does not name the key yet. */
export function parseValue(definition: KeyDefinition, text: string, base: PathBase): ConfigValue {
  definition.check?.(text);
  switch (definition.type) {
    case 'address':
      return text === off ? null : checkAddress(definition, parseAddress(text));
    case 'addresses':
      return text === off ? [] : parseAddresses(text).map((address) => checkAddress(definition, address));
    case 'duration':
      return checkRange(definition, parseDuration(text), formatDuration);
    case 'bytes':
      return checkRange(definition, parseBytes(text), formatBytes);
    case 'integer':
      return parseInteger(text, definition.min ?? 0, definition.max ?? Number.MAX_SAFE_INTEGER);
    case 'boolean':
      return parseBoolean(text);
    case 'path':
    case 'secret-file':
      return absolutePath(text, base);
    case 'domain':
      return parseDomain(text);
    case 'choice':
      if (definition.choices?.includes(text)) return text;
      throw new StartRefusal(`"${text}" is none of ${definition.choices?.join(', ')}`);
    case 'text':
      return text;
    case 'secret':
      return secretOf(text);
    default:
      return definition.type satisfies never;
  }
}

/** Writes a value as `parseValue` reads it; a secret as `***`, an absent value as the empty text. */
export function formatValue(definition: KeyDefinition, value: ConfigValue): string {
  if (Array.isArray(value)) return value.length === 0 ? off : value.map(formatAddress).join(',');
  if (definition.type === 'address') return value === null ? off : formatAddress(value as ListenAddress);
  if (value === null) return '';
  if (definition.type === 'duration') return formatDuration(value as number);
  if (definition.type === 'bytes') return formatBytes(value as number);
  return typeof value === 'object' ? (value as Secret).toString() : String(value);
}

/** Makes a path absolute; `~/` is the home folder, as a file or a variable is not expanded by a shell. */
export function absolutePath(text: string, base: PathBase): string {
  if (text === '~' || text.startsWith('~/')) return join(base.home, text.slice(1));
  return isAbsolute(text) ? text : resolve(base.folder, text);
}

function checkAddress(definition: KeyDefinition, address: ListenAddress): ListenAddress {
  if (definition.loopbackOnly !== undefined && !isLoopback(address.host)) {
    throw new StartRefusal(`${formatAddress(address)} is not a loopback address: ${definition.loopbackOnly}`);
  }
  return address;
}

function checkRange(definition: KeyDefinition, value: number, format: (value: number) => string): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = definition;
  if (value < min) throw new StartRefusal(`${format(value)} is too small; at least ${format(min)}`);
  if (value > max) throw new StartRefusal(`${format(value)} is too great; at most ${format(max)}`);
  return value;
}
