/** Writes schemas as TypeScript types, in the form that the formatter would give them. */
import type { Schema, Schemas } from './description.ts';
import { nameOf, reachable } from './schemas.ts';

const lineWidth = 120;

/** The text of a module with one interface for each schema that the named ones lead to. */
export function wireTypes(
  namespaces: readonly { schemas: Schemas; names: readonly string[] }[],
  notice: string,
): string {
  const texts = new Map<string, string>();
  for (const { schemas, names } of namespaces) {
    for (const [name, schema] of Object.entries(reachable(schemas, names))) {
      const text = interfaceOf(name, schema);
      if (texts.has(name) && texts.get(name) !== text) throw new Error(`two schemas are called ${name}`);
      texts.set(name, text);
    }
  }
  const sorted = [...texts].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return [`/** ${notice} */`, '', sorted.map(([, text]) => text).join('\n'), ''].join('\n').replace(/\n+$/, '\n');
}

function interfaceOf(name: string, schema: Schema): string {
  const members = membersOf(schema, '  ');
  return members.length === 0
    ? `export type ${name} = Readonly<Record<string, unknown>>;\n`
    : [`export interface ${name} {`, ...members, '}', ''].join('\n');
}

function membersOf(schema: Schema, indent: string): string[] {
  return Object.entries(schema.properties ?? {})
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([name, property]) => {
      const key = `${indent}readonly ${/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`}`;
      const start = `${key}${schema.required?.includes(name) ? '' : '?'}:`;
      if (property.properties) return [`${start} {`, ...membersOf(property, `${indent}  `), `${indent}};`];
      const line = `${start} ${typeOf(property)};`;
      if (line.length <= lineWidth || !property.enum) return [line];
      return [
        start,
        ...property.enum.map((value, index, all) => {
          return `${indent}  | '${value}'${index === all.length - 1 ? ';' : ''}`;
        }),
      ];
    });
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'number':
      return schema.type;
    case 'integer':
      return 'number';
    case 'array': {
      const item = typeOf(schema.items ?? {});
      return `readonly ${item.includes(' ') ? `(${item})` : item}[]`;
    }
    case 'object': {
      const value = typeof schema.additionalProperties === 'object' ? typeOf(schema.additionalProperties) : 'unknown';
      return `Readonly<Record<string, ${value}>>`;
    }
    default:
      return 'unknown';
  }
}
