/** Makes one set of JSON Schemas from the definitions of several descriptions. */
import type { Description, Schema, Schemas } from './description.ts';

const prefix = '#/definitions/';
const outPrefix = '#/$defs/';

/** The keywords that are facts about names, types and limits. Words for readers are left out. */
const keptKeywords = [
  'type',
  'required',
  'enum',
  'readOnly',
  'format',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'pattern',
] as const;

/**
 * The definitions of one description with what they inherit written out, references pointing into `$defs`, and the
 * schema of each value of a discriminator listed at the one that has it.
 */
export function schemasOf({ definitions }: Pick<Description, 'definitions'>): Schemas {
  const flat = Object.entries(definitions).map(([name]) => [name, flatten(name, definitions)] as const);
  return Object.fromEntries(flat);
}

/** A schema that stands beside the definitions, as that of a parameter, written the same way. */
export function cleanSchema(schema: Schema): Schema {
  const cleaned: Schema = {};
  for (const keyword of keptKeywords) {
    if (schema[keyword] !== undefined) Object.assign(cleaned, { [keyword]: structuredClone(schema[keyword]) });
  }
  if (schema.$ref !== undefined) {
    cleaned.$ref = outPrefix + nameOf(schema.$ref);
    return cleaned;
  }
  if (schema.properties && Object.keys(schema.properties).length > 0) {
    cleaned.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, cleanSchema(property)]),
    );
  }
  if (schema.items) cleaned.items = cleanSchema(schema.items);
  if (typeof schema.additionalProperties === 'object') {
    cleaned.additionalProperties = cleanSchema(schema.additionalProperties);
  }
  return cleaned;
}

/**
 * Adds to `into` the definitions and properties that only `from` knows. Where both say something of the same property,
 * `into` is right; and nothing that only `from` knows is required.
 */
export function mergeSchemas(into: Schemas, from: Schemas): void {
  for (const [name, schema] of Object.entries(from)) {
    const known = into[name];
    if (known === undefined) into[name] = structuredClone(schema);
    else mergeSchema(known, schema, { into, from });
  }
}

/**
 * Adds to the schema of a request the read-only properties of its answer. Clients change what they have read and send it
 * back, so a request knows those properties, too: as ones that it may hold and that mean nothing.
 */
export function addReadOnly(request: Schema, answer: Schema, schemas: Schemas): void {
  const into = follow(request, schemas);
  const from = follow(answer, schemas);
  if (into === from) return;
  for (const [name, property] of Object.entries(from.properties ?? {})) {
    const known = into.properties?.[name];
    if (known !== undefined) addReadOnly(known, property, schemas);
    else if (property.readOnly) into.properties = { ...into.properties, [name]: structuredClone(property) };
  }
  if (into.items && from.items) addReadOnly(into.items, from.items, schemas);
  if (typeof into.discriminator !== 'object' || typeof from.discriminator !== 'object') return;
  for (const [word, name] of Object.entries(into.discriminator.mapping)) {
    const other = from.discriminator.mapping[word];
    if (other !== undefined) addReadOnly({ $ref: name }, { $ref: other }, schemas);
  }
}

/** What of `schemas` the named ones lead to, ordered by name. */
export function reachable(schemas: Schemas, names: Iterable<string>): Schemas {
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    const schema = schemas[name];
    if (schema === undefined) throw new Error(`there is no schema "${name}"`);
    found.add(name);
    open.push(...referredTo(schema));
  }
  return Object.fromEntries([...found].toSorted().map((name) => [name, schemas[name] as Schema]));
}

/** The names of the schemas that one refers to. */
export function referredTo(schema: Schema): string[] {
  const own = schema.$ref === undefined ? [] : [nameOf(schema.$ref)];
  const mapped = typeof schema.discriminator === 'object' ? Object.values(schema.discriminator.mapping) : [];
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items ? [schema.items] : []),
    ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
  ];
  return [...own, ...mapped, ...inner.flatMap(referredTo)];
}

/** The name of the definition that a reference points at. */
export function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function follow(schema: Schema, schemas: Schemas): Schema {
  if (schema.$ref === undefined) return schema;
  const target = schemas[nameOf(schema.$ref)];
  if (target === undefined) throw new Error(`there is no schema "${nameOf(schema.$ref)}"`);
  return follow(target, schemas);
}

function flatten(name: string, definitions: Readonly<Schemas>): Schema {
  const schema = definitions[name] as Schema;
  const own = cleanSchema(schema);
  const inherited = (schema.allOf ?? []).map((base) => flatten(nameOf(base.$ref ?? ''), definitions));
  for (const base of inherited) {
    own.properties = { ...base.properties, ...own.properties };
    own.required = [...new Set([...(base.required ?? []), ...(own.required ?? [])])];
  }
  if (own.required?.length === 0) delete own.required;
  const value = schema['x-ms-discriminator-value'];
  for (const base of schema.allOf ?? []) {
    const property = definitions[nameOf(base.$ref ?? '')]?.discriminator;
    if (typeof property === 'string' && value !== undefined && own.properties) {
      own.properties[property] = { type: 'string', enum: [value] };
    }
  }
  if (typeof schema.discriminator === 'string') {
    const mapping = subtypesOf(name, definitions);
    if (Object.keys(mapping).length > 0) own.discriminator = { propertyName: schema.discriminator, mapping };
  }
  return own;
}

/** The schema for each value of a discriminator: listed at the base, or told by those that inherit from it. */
function subtypesOf(name: string, definitions: Readonly<Schemas>): Record<string, string> {
  const listed = Object.entries(definitions[name]?.['x-subtypes'] ?? {});
  const inheriting = Object.entries(definitions)
    .filter(([, schema]) => schema.allOf?.some((base) => base.$ref === prefix + name))
    .map(([child, schema]) => [schema['x-ms-discriminator-value'] ?? child, child] as const);
  return Object.fromEntries([...listed, ...inheriting]);
}

function mergeSchema(known: Schema, more: Schema, all: { into: Schemas; from: Schemas }): void {
  if (more.$ref !== undefined) {
    // What both name is merged by its name.
    if (known.$ref !== undefined) return;
    const target = all.from[nameOf(more.$ref)];
    if (target?.discriminator === undefined && target !== undefined) mergeSchema(known, target, all);
    return;
  }
  if (known.$ref !== undefined) {
    const target = all.into[nameOf(known.$ref)];
    if (target !== undefined) mergeSchema(target, more, all);
    return;
  }
  for (const [name, property] of Object.entries(more.properties ?? {})) {
    known.properties ??= {};
    const before = known.properties[name];
    if (before === undefined) known.properties[name] = structuredClone(property);
    else mergeSchema(before, property, all);
  }
  if (known.items && more.items) mergeSchema(known.items, more.items, all);
  if (typeof known.additionalProperties === 'object' && typeof more.additionalProperties === 'object') {
    mergeSchema(known.additionalProperties, more.additionalProperties, all);
  }
}
