/** A value as JSON can say it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** An object as parsed: an ordinary object whose own keys are data. Read it with `member`. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Why a text is not strict JSON. The message holds the position and at most 40 characters of the text. */
export class StrictJsonError extends Error {
  override name = 'StrictJsonError';
}

/** Deepest nesting of arrays and objects unless the caller says otherwise; `[]` has depth 1. */
const defaultMaxDepth = 64;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses JSON (RFC 8259) that every reader understands alike: strict UTF-8 without a byte order mark, no key twice in
 * one object, no lone surrogates (RFC 7493 §2), no deeper than `maxDepth`, and no key `__proto__`. Takes time in
 * proportion to the length. Throws `StrictJsonError` and nothing else. The scan is recursive: keep `maxDepth` below 1000.
 */
export function parseStrictJson(bytes: Uint8Array, limits: { readonly maxDepth?: number } = {}): JsonValue {
  const text = decode(bytes);
  scan(text, limits.maxDepth ?? defaultMaxDepth);
  return JSON.parse(text) as JsonValue;
}

/** True for objects, false for arrays, null, scalars and nothing. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object's own member, or undefined; never what it inherits, such as `constructor`. */
export function member(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new StrictJsonError(`invalid UTF-8 at byte ${firstInvalidByte(bytes)}`, { cause });
  }
}

/** Where a lenient decoder had to put U+FFFD although the bytes did not spell it. */
function firstInvalidByte(bytes: Uint8Array): number {
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  let offset = 0;
  let from = 0;
  for (let at = lenient.indexOf('\uFFFD'); at >= 0; at = lenient.indexOf('\uFFFD', from)) {
    offset += Buffer.byteLength(lenient.slice(from, at));
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return offset;
    offset += 3;
    from = at + 1;
  }
  return bytes.length;
}

const quote = 0x22;
const backslash = 0x5c;

/** Checks the whole grammar, so that `JSON.parse`, whose messages quote the text, has nothing left to refuse. */
function scan(text: string, maxDepth: number): void {
  let at = 0;
  skipSpace();
  scanValue(1);
  skipSpace();
  if (at < text.length) throw unexpected('the end');

  function scanValue(depth: number): void {
    const code = text.charCodeAt(at);
    if (code === quote) scanString();
    else if (code === 0x7b) scanObject(depth);
    else if (code === 0x5b) scanArray(depth);
    else if (code === 0x2d || isDigit(code)) scanNumber();
    else if (text.startsWith('true', at) || text.startsWith('null', at)) at += 4;
    else if (text.startsWith('false', at)) at += 5;
    else throw unexpected('a value');
  }

  function scanObject(depth: number): void {
    enter(depth);
    if (taken(0x7d)) return;
    const keys = new Set<string>();
    do {
      skipSpace();
      const start = at;
      if (text.charCodeAt(at) !== quote) throw unexpected('a key');
      const escaped = scanString();
      const key = escaped ? (JSON.parse(text.slice(start, at)) as string) : text.slice(start + 1, at - 1);
      if (keys.has(key)) throw problem(`duplicate key ${echo(key)}`, start);
      // Merged into another object by assignment, this key would replace its prototype.
      if (key === '__proto__') throw problem('the key "__proto__" is not taken', start);
      keys.add(key);
      if (!taken(0x3a)) throw unexpected('":"');
      skipSpace();
      scanValue(depth + 1);
    } while (taken(0x2c));
    if (!taken(0x7d)) throw unexpected('"," or "}"');
  }

  function scanArray(depth: number): void {
    enter(depth);
    if (taken(0x5d)) return;
    do {
      skipSpace();
      scanValue(depth + 1);
    } while (taken(0x2c));
    if (!taken(0x5d)) throw unexpected('"," or "]"');
  }

  function enter(depth: number): void {
    if (depth > maxDepth) throw problem(`nested deeper than ${maxDepth}`, at);
    at += 1;
  }

  /** Skips a string, from quote to quote; answers whether it holds escapes. */
  function scanString(): boolean {
    let escaped = false;
    for (at += 1; ; at += 1) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      if (code === backslash) {
        escaped = true;
        skipEscape();
      } else if (!(code >= 0x20)) {
        throw unexpected('the rest of a string');
      }
    }
    at += 1;
    return escaped;
  }

  /** From the backslash of an escape to its last character. */
  function skipEscape(): void {
    at += 1;
    const letter = text[at];
    if (letter !== 'u') {
      if (letter === undefined || !'"\\/bfnrt'.includes(letter)) throw unexpected('an escape');
      return;
    }
    const unit = hexUnit(at + 1);
    if (unit >= 0xdc00 && unit <= 0xdfff) throw problem('lone surrogate', at);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const low = text.startsWith('\\u', at + 5) ? hexUnit(at + 7) : 0;
      if (low < 0xdc00 || low > 0xdfff) throw problem('lone surrogate', at);
      at += 6;
    }
    at += 4;
  }

  function hexUnit(start: number): number {
    const digits = text.slice(start, start + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw problem('four hex digits expected', start);
    return Number.parseInt(digits, 16);
  }

  function scanNumber(): void {
    if (text.charCodeAt(at) === 0x2d) at += 1;
    if (text.charCodeAt(at) === 0x30) at += 1;
    else skipDigits();
    if (text.charCodeAt(at) === 0x2e) {
      at += 1;
      skipDigits();
    }
    if (text[at] === 'e' || text[at] === 'E') {
      at += 1;
      if (text[at] === '+' || text[at] === '-') at += 1;
      skipDigits();
    }
  }

  function skipDigits(): void {
    if (!isDigit(text.charCodeAt(at))) throw unexpected('a digit');
    while (isDigit(text.charCodeAt(at))) at += 1;
  }

  function skipSpace(): void {
    for (; ; at += 1) {
      const code = text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  /** Skips white space and then, when it stands there, one punctuation mark. */
  function taken(code: number): boolean {
    skipSpace();
    if (text.charCodeAt(at) !== code) return false;
    at += 1;
    return true;
  }

  function unexpected(wanted: string): StrictJsonError {
    if (at >= text.length) return problem(`${wanted} expected, found the end of the text`, at);
    const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const named = found === '\uFEFF' ? 'a byte order mark' : echo(found);
    return problem(`${wanted} expected, found ${named}`, at);
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function problem(what: string, position: number): StrictJsonError {
  return new StrictJsonError(`${what} at character ${position}`);
}

function echo(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
}
