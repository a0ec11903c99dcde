import { ArmError } from '../arm/provider.ts';

/** What a `$filter` of resources or groups may compare, in lower case. */
export const filterFields = ['resourcetype', 'name', 'location', 'resourcegroup', 'tagname', 'tagvalue'] as const;

export type FilterField = (typeof filterFields)[number];

/** What all must hold, by field. Values are in lower case but those of tags, whose values differ by case. */
export type ResourceFilter = Readonly<Partial<Record<FilterField, string>>>;

const maxLength = 8192;

/**
 * Parses a `$filter`: comparisons by `eq` joined by `and`, for instance `resourceType eq 'Microsoft.X/y' and name eq 'z'`.
 * Words compare without regard to case (AZ-WIRE T-ARM-7). Throws 400 for everything else: a filter that is not understood must
 * not show more than was asked for. Takes time in proportion to the length.
 */
export function parseResourceFilter(
  text: string | null,
  allowed: readonly FilterField[] = filterFields,
): ResourceFilter {
  if (text !== null && text.length > maxLength) throw refusal(`it is longer than ${maxLength} characters`);
  if (text === null || text.trim() === '') return {};
  // Blanks are all that stands between words, and not every database takes the others.
  if (/[^\P{Cc}\t]/u.test(text)) throw refusal('it holds control characters');
  const found: Partial<Record<FilterField, string>> = {};
  const scanner = scan(text);
  do {
    const name = scanner.word('the name of a property');
    const field = name.toLowerCase();
    if (!isField(field) || !allowed.includes(field)) {
      throw refusal(
        `it cannot compare '${name.slice(0, 40)}'; there are ${allowed.map((one) => spelled[one]).join(', ')}`,
      );
    }
    const operator = scanner.word('"eq"');
    if (operator.toLowerCase() !== 'eq') throw refusal(`it has '${operator.slice(0, 40)}' where there is only 'eq'`);
    const literal = scanner.literal();
    const value = field === 'tagvalue' ? literal : literal.toLowerCase();
    if (found[field] !== undefined && found[field] !== value) throw refusal(`it wants two values of ${spelled[field]}`);
    found[field] = value;
  } while (scanner.goesOn());
  if (found.tagvalue !== undefined && found.tagname === undefined) throw refusal('tagValue needs a tagName');
  return found;
}

const spelled: Readonly<Record<FilterField, string>> = {
  resourcetype: 'resourceType',
  name: 'name',
  location: 'location',
  resourcegroup: 'resourceGroup',
  tagname: 'tagName',
  tagvalue: 'tagValue',
};

function isField(text: string): text is FilterField {
  return (filterFields as readonly string[]).includes(text);
}

/** Whether tags (as JSON text) have what a filter asks for. */
export function hasTag(tags: string, filter: ResourceFilter): boolean {
  const { tagname, tagvalue } = filter;
  if (tagname === undefined) return true;
  const entries = Object.entries(JSON.parse(tags) as Record<string, string>);
  return entries.some(([name, value]) => name.toLowerCase() === tagname && (tagvalue ?? value) === value);
}

/** Reads a text from left to right, each character once. */
function scan(text: string) {
  let at = 0;
  const skipBlanks = (): number => {
    const start = at;
    while (text[at] === ' ' || text[at] === '\t') at += 1;
    return at - start;
  };
  const word = (wanted: string): string => {
    skipBlanks();
    const start = at;
    while (/[A-Za-z0-9_/.]/.test(text[at] ?? '')) at += 1;
    if (at === start) throw refusal(`${wanted} is expected at character ${at}`);
    return text.slice(start, at);
  };
  return {
    word,
    /** A text in single quotes; two of them inside stand for one. */
    literal(): string {
      skipBlanks();
      if (text[at] !== "'") throw refusal(`a text in single quotes is expected at character ${at}`);
      let value = '';
      for (;;) {
        const end = text.indexOf("'", at + 1);
        if (end === -1) throw refusal('a quote is not closed');
        value += text.slice(at + 1, end);
        at = end + 1;
        if (text[at] !== "'") return value;
        value += "'";
      }
    },
    /** Whether another comparison follows. */
    goesOn(): boolean {
      const blanks = skipBlanks();
      if (at === text.length) return false;
      const joined = blanks === 0 ? '' : word('"and"');
      if (joined.toLowerCase() !== 'and') throw refusal(`comparisons are joined by 'and' only, at character ${at}`);
      return true;
    },
  };
}

function refusal(why: string): ArmError {
  return new ArmError(400, 'InvalidFilterInQueryString', `The $filter is not understood: ${why}.`);
}
