/**
 * Brings the body of a request into the form that its schema means. Clients send back what they have read, so read-only
 * properties are dropped and not refused; words of a closed list are taken in any case and get the list's spelling; truth
 * values and whole numbers may come as text.
 */
import type { ArmSchema, ArmSchemas } from './contracts.ts';

/** More values than this in one body are refused: no request of any client comes near. */
const maxValues = 20_000;

export interface CleanBody {
  readonly body: unknown;
  /**
   * The same without properties that are null. Null means "take it away" to a PATCH and "nothing" to a PUT, so it is held
   * against no schema.
   */
  readonly checked: unknown;
  /** Properties that the schema does not know, as paths. They are kept in the body. */
  readonly unknown: readonly string[];
  /** The body has more values than any request needs, and was not looked at further. */
  readonly isTooLarge: boolean;
}

/** Cleans one body. The input is not changed. */
export function cleanBody(value: unknown, schema: ArmSchema, schemas: ArmSchemas): CleanBody {
  const walk: Walk = { schemas, unknown: [], values: 0 };
  const [body, checked] = clean(value, schema, '', walk);
  return { body, checked, unknown: walk.unknown, isTooLarge: walk.values > maxValues };
}

/** The schema that a reference points at, or the schema itself. */
export function resolveSchema(schema: ArmSchema, schemas: ArmSchemas): ArmSchema {
  let resolved = schema;
  while (resolved.$ref !== undefined) {
    const name = resolved.$ref.slice(resolved.$ref.lastIndexOf('/') + 1);
    const next = schemas[name];
    if (next === undefined) throw new Error(`there is no schema "${name}"`);
    resolved = next;
  }
  return resolved;
}

/** The path of a member: `properties.ipRules[0].value`, `tags['a b']`. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!/^[\w$@-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

interface Walk {
  readonly schemas: ArmSchemas;
  readonly unknown: string[];
  values: number;
}

type Cleaned = readonly [body: unknown, checked: unknown];

function clean(value: unknown, declared: ArmSchema, path: string, walk: Walk): Cleaned {
  walk.values += 1;
  if (walk.values > maxValues) return [value, value];
  const schema = resolveSchema(declared, walk.schemas);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return [value, value];
    const members = value.map((member, index) => clean(member, items, joinPath(path, index), walk));
    return [members.map(([body]) => body), members.map(([, checked]) => checked)];
  }
  if (typeof value === 'object' && value !== null) {
    return cleanObject(value as Readonly<Record<string, unknown>>, schema, path, walk);
  }
  const scalar = typeof value === 'string' ? cleanText(value, schema) : value;
  return [scalar, scalar];
}

function cleanObject(value: Readonly<Record<string, unknown>>, base: ArmSchema, path: string, walk: Walk): Cleaned {
  const { schema, canonical } = chooseSchema(value, base, walk.schemas);
  const { properties, additionalProperties } = schema;
  if (properties === undefined && additionalProperties === undefined) return [value, value];
  const body: [string, unknown][] = [];
  const checked: [string, unknown][] = [];
  for (const [key, member] of Object.entries(value)) {
    const known = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (known?.readOnly) continue;
    if (known === undefined) {
      walk.values += 1;
      if (walk.values <= maxValues) walk.unknown.push(joinPath(path, key));
      body.push([key, member]);
      continue;
    }
    if (member === null) {
      walk.values += 1;
      body.push([key, null]);
      continue;
    }
    const [kept, held] =
      canonical?.[0] === key ? [canonical[1], canonical[1]] : clean(member, known, joinPath(path, key), walk);
    body.push([key, kept]);
    checked.push([key, held]);
  }
  // `fromEntries` makes members of names like `__proto__`, too.
  return [Object.fromEntries(body), Object.fromEntries(checked)];
}

/** The schema that the value's discriminator asks for, and that discriminator with its right spelling. */
function chooseSchema(
  value: Readonly<Record<string, unknown>>,
  schema: ArmSchema,
  schemas: ArmSchemas,
): { schema: ArmSchema; canonical?: readonly [string, string] } {
  if (schema.discriminator === undefined) return { schema };
  const { propertyName, mapping } = schema.discriminator;
  const word = Object.hasOwn(value, propertyName) ? value[propertyName] : undefined;
  const chosen = typeof word === 'string' ? sameWord(word, Object.keys(mapping)) : undefined;
  const target = chosen === undefined ? undefined : schemas[mapping[chosen] ?? ''];
  if (chosen === undefined || target === undefined) return { schema };
  return { schema: target, canonical: [propertyName, chosen] };
}

function cleanText(text: string, schema: ArmSchema): unknown {
  if (schema.enum) return sameWord(text, schema.enum) ?? text;
  if (schema.type === 'boolean' && /^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  if (schema.type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text);
  return text;
}

function sameWord(word: string, words: readonly string[]): string | undefined {
  if (words.includes(word)) return word;
  const lower = word.toLowerCase();
  return words.find((one) => one.toLowerCase() === lower);
}
