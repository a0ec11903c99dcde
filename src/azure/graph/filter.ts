import { GraphError } from './errors.ts';

/** One condition of a `$filter`. `contains` is `property/any(x:x eq 'text')`. */
export interface Condition {
  readonly operator: 'equals' | 'begins' | 'contains';
  readonly property: string;
  readonly text: string;
}

const maxFilterLength = 2048;
const maxConditions = 20;

/**
 * Reads a `$filter` of the forms that clients of the directory send (AZ-WIRE §8.2, T-GRAPH-1): `property eq 'text'`,
 * `startswith(property,'text')`, `property/any(x:x eq 'text')`, joined by `or`, each in parentheses or not. Quotes inside
 * of a text are doubled. Takes time in proportion to the length. Throws a GraphError that shows what it does not take.
 */
export function parseFilter(filter: string): Condition[] {
  if (filter.length > maxFilterLength) throw unsupported(`a filter of ${filter.length} characters`);
  const tokens = tokensOf(filter);
  const conditions: Condition[] = [];
  let at = 0;
  const peek = (): Token => tokens[at] ?? end;
  const take = (): Token => tokens[at++] ?? end;
  const expect = (kind: Token['kind'], text?: string): Token => {
    const token = take();
    const same = text === undefined || token.text.toLowerCase() === text;
    if (token.kind !== kind || !same) throw unsupported(`${described(token)} where ${text ?? kind} belongs`);
    return token;
  };
  const isWord = (text: string): boolean => peek().kind === 'word' && peek().text.toLowerCase() === text;

  const readCondition = (): Condition => {
    const first = expect('word').text;
    if (first.toLowerCase() === 'startswith' && peek().text === '(') {
      expect('sign', '(');
      const property = expect('word').text;
      expect('sign', ',');
      const { text } = expect('text');
      expect('sign', ')');
      return { operator: 'begins', property, text };
    }
    if (peek().text === '/') {
      expect('sign', '/');
      expect('word', 'any');
      expect('sign', '(');
      const variable = expect('word').text;
      expect('sign', ':');
      expect('word', variable.toLowerCase());
      expect('word', 'eq');
      const { text } = expect('text');
      expect('sign', ')');
      return { operator: 'contains', property: first, text };
    }
    expect('word', 'eq');
    return { operator: 'equals', property: first, text: expect('text').text };
  };

  for (;;) {
    const inside = peek().text === '(';
    if (inside) expect('sign', '(');
    conditions.push(readCondition());
    if (inside) expect('sign', ')');
    if (peek() === end) return conditions;
    if (!isWord('or')) throw unsupported(`${described(peek())} after a condition`);
    take();
    if (conditions.length >= maxConditions) throw unsupported(`more than ${maxConditions} conditions`);
  }
}

interface Token {
  readonly kind: 'word' | 'text' | 'sign' | 'end';
  readonly text: string;
}

const end: Token = { kind: 'end', text: '' };
const wordStart = /[A-Za-z_]/;
const wordRest = /[A-Za-z0-9_]/;

function tokensOf(filter: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < filter.length) {
    const character = filter.charAt(at);
    if (character === ' ') {
      at++;
    } else if ('(),:/'.includes(character)) {
      tokens.push({ kind: 'sign', text: character });
      at++;
    } else if (character === "'") {
      const read = quotedAt(filter, at);
      tokens.push({ kind: 'text', text: read.text });
      at = read.next;
    } else if (wordStart.test(character)) {
      let stop = at + 1;
      while (stop < filter.length && wordRest.test(filter.charAt(stop))) stop++;
      tokens.push({ kind: 'word', text: filter.slice(at, stop) });
      at = stop;
    } else {
      throw unsupported(`the character "${character}"`);
    }
  }
  return tokens;
}

function quotedAt(filter: string, start: number): { text: string; next: number } {
  const parts: string[] = [];
  let at = start + 1;
  for (;;) {
    const quote = filter.indexOf("'", at);
    if (quote === -1) throw unsupported('a text without its closing quote');
    parts.push(filter.slice(at, quote));
    if (filter.charAt(quote + 1) !== "'") return { text: withoutControls(parts.join("'")), next: quote + 1 };
    at = quote + 2;
  }
}

/** No name and no id holds a control character, and no database takes each of them. */
function withoutControls(text: string): string {
  if (/\p{Cc}/u.test(text)) throw unsupported('a text with control characters');
  return text;
}

function described(token: Token): string {
  return token.kind === 'end' ? 'the end' : `"${token.text.slice(0, 60)}"`;
}

/** What this version does not read of a filter. */
export function unsupported(what: string): GraphError {
  return new GraphError(
    400,
    'Request_UnsupportedQuery',
    `$filter: ${what} is not supported; there are property eq 'text', startswith(property,'text') and property/any(x:x eq 'text'), joined by or`,
  );
}
