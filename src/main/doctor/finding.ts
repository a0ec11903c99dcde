/** What one check of `berth doctor` found. `cure` says what to do, and is null when there is nothing to do. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly found: string;
  readonly cure: string | null;
}

export function ok(name: string, found: string): Finding {
  return { name, state: 'ok', found, cure: null };
}

/** Works, and will hurt some client or some day. */
export function warn(name: string, found: string, cure: string): Finding {
  return { name, state: 'warn', found, cure };
}

/** Does not work. */
export function fail(name: string, found: string, cure: string): Finding {
  return { name, state: 'fail', found, cure };
}

/** Could not be looked at; `why` says what it needs. */
export function skipped(name: string, why: string): Finding {
  return { name, state: 'skipped', found: why, cure: null };
}

/** The message of an error in one line, with its code, for `found`. */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A connection tried on several addresses fails with several errors and no text of its own.
  if (error instanceof AggregateError && error.errors.length > 0) return problemOf(error.errors[0]);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const text = (error.message || error.name).split('\n')[0] ?? '';
  return code === '' || text.includes(code) ? text : `${text} (${code})`;
}
