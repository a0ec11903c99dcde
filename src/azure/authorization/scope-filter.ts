import { ArmError } from '../arm/provider.ts';

/** One condition of a `$filter` on roles: `name eq 'text'`, `name()` or `name('text')`. Names are in lower case. */
export interface FilterTerm {
  readonly kind: 'equals' | 'call';
  readonly name: string;
  /** Null for a call without argument. */
  readonly text: string | null;
}

const maxLength = 2048;
const maxTerms = 10;
/** Every part is bounded by its own characters, so nothing is tried twice. */
const term = / *([A-Za-z]+)(?: *(\() *(?:'((?:[^']|'')*)')? *\)| +eq +'((?:[^']|'')*)') */y;
const conjunction = /and\b/iy;

/**
 * Reads a `$filter` of role assignments or role definitions: terms joined by `and` (AZ-WIRE §8.1, ACR-FACTS §23). Throws 400
 * for everything else: a filter that is not understood must not show more than was asked for.
 */
export function parseScopeFilter(text: string | null, allowed: readonly string[]): FilterTerm[] {
  if (text === null || text.trim() === '') return [];
  if (text.length > maxLength || /\p{Cc}/u.test(text)) throw unsupported(allowed);
  const terms: FilterTerm[] = [];
  let at = 0;
  for (;;) {
    term.lastIndex = at;
    const [matched, name = '', isCall, argument, value] = term.exec(text) ?? [];
    if (matched === undefined || terms.length >= maxTerms) throw unsupported(allowed);
    const kind = isCall === undefined ? 'equals' : 'call';
    const quoted = isCall === undefined ? value : argument;
    const one = { kind, name: name.toLowerCase(), text: quoted?.replaceAll("''", "'") ?? null } as const;
    if (!allowed.map((form) => form.toLowerCase()).includes(formOf(one))) throw unsupported(allowed);
    terms.push(one);
    at += matched.length;
    if (at === text.length) return terms;
    conjunction.lastIndex = at;
    if (!conjunction.test(text)) throw unsupported(allowed);
    at += 3;
  }
}

/** A term without its text, as `allowed` lists them: `rolename eq`, `atscope()`, `assignedto('')`. */
function formOf({ kind, name, text }: FilterTerm): string {
  if (kind === 'equals') return `${name} eq`;
  return text === null ? `${name}()` : `${name}('')`;
}

function unsupported(allowed: readonly string[]): ArmError {
  const forms = allowed.map((form) => (form.endsWith(' eq') ? `${form} '…'` : form.replace("''", "'…'")));
  return new ArmError(
    400,
    'BadRequestFormat',
    `The filter is not supported; there are ${forms.join(', ')}, joined by and.`,
  );
}
