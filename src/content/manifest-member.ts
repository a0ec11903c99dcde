import { Fault, isObject, type JsonObject, type JsonValue } from '../kernel/index.ts';
import { isMediaType } from './manifest-media-types.ts';

/** The refusal of a manifest: where it is wrong, as a JSON path, and what was expected there. */
export function invalid(path: string, problem: string, cause?: unknown): Fault {
  return new Fault('manifest-invalid', `${path}: ${problem}`, cause === undefined ? {} : { cause });
}

export function readObject(value: JsonValue | undefined, path: string): JsonObject {
  if (!isObject(value)) throw expected(path, 'an object', value);
  return value;
}

/** A required array of at most `limit` entries. */
export function readArray(value: JsonValue | undefined, path: string, limit: number): readonly JsonValue[] {
  if (!Array.isArray(value)) throw expected(path, 'an array', value);
  if (value.length > limit) throw invalid(path, `at most ${limit} entries are taken, found ${value.length}`);
  return value as readonly JsonValue[];
}

/** A required media type. */
export function readMediaType(value: JsonValue | undefined, path: string): string {
  if (typeof value !== 'string') throw expected(path, 'a media type', value);
  if (!isMediaType(value)) throw invalid(path, `a media type of the form type/subtype expected, found ${quote(value)}`);
  return value;
}

/**
 * A media type, or null when it is absent. Null and the empty string count as absent here and in the other optional
 * members: Go writers leave them for unset fields, and Go readers take them so.
 */
export function readOptionalMediaType(value: JsonValue | undefined, path: string): string | null {
  return isAbsent(value) || value === '' ? null : readMediaType(value, path);
}

/** A map of strings, or null when it is absent. The result has no prototype: its keys come from outside. */
export function readAnnotations(value: JsonValue | undefined, path: string): Record<string, string> | null {
  if (isAbsent(value)) return null;
  const annotations = Object.create(null) as Record<string, string>;
  const object = readObject(value, path);
  for (const key of Object.keys(object)) {
    const text = object[key];
    if (typeof text !== 'string') throw expected(`${path}[${quote(key)}]`, 'a string', text);
    annotations[key] = text;
  }
  return annotations;
}

export function isAbsent(value: JsonValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}

/** The path of a member; empty for the manifest itself. */
export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** Keys of one kind of object, by what they fold to. */
export type KnownKeys = ReadonlyMap<string, string>;

export function knownKeys(...keys: string[]): KnownKeys {
  return new Map(keys.map((key) => [fold(key), key]));
}

/**
 * Refuses keys that differ from a known one in letter case only. Go reads JSON without regard to case, so that `Layers`
 * beside `layers` shows one manifest to us and another to the client (the way of GHSA-qq97-vm5h-rrhg).
 */
export function refuseCaseVariants(object: JsonObject, path: string, known: KnownKeys): void {
  for (const key of Object.keys(object)) {
    const meant = known.get(fold(key));
    if (meant !== undefined && meant !== key) {
      throw invalid(join(path, quote(key)), `the key differs from "${meant}" in letter case only; write "${meant}"`);
    }
  }
}

/** As Go folds: U+017F counts as s; `toLowerCase` already takes U+212A to k. */
function fold(key: string): string {
  return key.replaceAll('\u017F', 's').toLowerCase();
}

/** The refusal of a value of the wrong type. */
export function expected(path: string, wanted: string, found: JsonValue | undefined): Fault {
  return invalid(path, `${wanted} expected, found ${describe(found)}`);
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return quote(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
