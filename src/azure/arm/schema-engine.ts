/** Compiles schemas of contracts. The one place that knows the library, which is loaded with the first body. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { ArmSchema, ArmSchemas } from './contracts.ts';

/** How a body is meant: the whole resource, or what of it changes. */
export type BodyMode = 'whole' | 'changes';

/** Holds values against the schemas of one namespace. */
export interface SchemaEngine {
  /** Everything that is wrong with a value, in the library's words. Throws for a name that there is no schema of. */
  errors(name: string, mode: BodyMode, value: unknown): readonly ErrorObject[];
}

const dateTime = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?$/;
const duration = /^P(?=[\dT])(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$/;

/** Makes an engine. Each schema is compiled when it is first used, which takes some milliseconds. */
export function schemaEngine(schemas: ArmSchemas): SchemaEngine {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strictTypes: false,
    validateSchema: false,
    formats: {
      'date-time': (text: string) => dateTime.test(text) && !Number.isNaN(Date.parse(text)),
      duration,
    },
  });
  for (const mode of ['whole', 'changes'] as const) {
    const $defs = Object.entries(schemas).map(([name, schema]) => [name, forEngine(schema, mode)]);
    ajv.addSchema({ $id: mode, $defs: Object.fromEntries($defs) });
  }
  return {
    errors(name, mode, value) {
      const validate = ajv.getSchema(`${mode}#/$defs/${name}`) as ValidateFunction | undefined;
      if (validate === undefined) throw new Error(`there is no schema "${name}"`);
      return validate(value) ? [] : (validate.errors ?? []);
    },
  };
}

/**
 * A schema as the engine understands it. Read-only properties are never there when it looks, so they cannot be required.
 * Of changes nothing is required; but a list is always sent whole, and so are its members.
 */
function forEngine(schema: ArmSchema, mode: BodyMode): Record<string, unknown> {
  const { $ref, properties, required = [], items, additionalProperties, discriminator, ...rest } = schema;
  if ($ref !== undefined) return { $ref: `${mode}${$ref.slice($ref.indexOf('#'))}` };
  const writable = required.filter((name) => properties?.[name]?.readOnly !== true);
  return {
    ...rest,
    ...(properties === undefined ? {} : { properties: forEach(properties, mode) }),
    ...(mode === 'changes' ? {} : { required: writable }),
    ...(items === undefined ? {} : { items: forEngine(items, 'whole') }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: forEngine(additionalProperties, mode) }),
    ...(discriminator === undefined ? {} : choiceFor(discriminator, properties ?? {}, mode)),
  };
}

function forEach(properties: NonNullable<ArmSchema['properties']>, mode: BodyMode): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, forEngine(schema, mode)]));
}

function choiceFor(
  { propertyName, mapping }: NonNullable<ArmSchema['discriminator']>,
  properties: NonNullable<ArmSchema['properties']>,
  mode: BodyMode,
): Record<string, unknown> {
  const choices = Object.entries(mapping).map(([word, name]) => ({
    if: { properties: { [propertyName]: { const: word } }, required: [propertyName] },
    // oxlint-disable-next-line unicorn/no-thenable -- the keyword of JSON Schema
    then: { $ref: `${mode}#/$defs/${name}` },
  }));
  const words = { type: 'string', enum: Object.keys(mapping) };
  return { properties: { ...forEach(properties, mode), [propertyName]: words }, allOf: choices };
}
