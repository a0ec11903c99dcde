/** Makes one table of operations from the paths of several descriptions. */
import {
  type DescribedOperation,
  type Description,
  type OperationRow,
  type ParameterRow,
  type Schema,
  type Schemas,
  shapeOf,
} from './description.ts';
import { cleanSchema, nameOf } from './schemas.ts';

/** A row whose type is not known before all rows of its namespace are. */
export type UntypedRow = Omit<OperationRow, 'type' | 'action'> & Partial<Pick<OperationRow, 'type' | 'action'>>;

/** The rows of one description. Schemas that stand in an operation itself are named after it and added to `schemas`. */
export function operationsOf(description: Pick<Description, 'info' | 'paths'>, schemas: Schemas): UntypedRow[] {
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const answered = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
      const response = answered.map(([, answer]) => answer.schema).find((schema) => schema !== undefined);
      const body = operation.parameters?.find((parameter) => parameter.in === 'body')?.schema;
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        apiVersions: [description.info.version],
        longRunning: operation['x-ms-long-running-operation'] === true,
        statuses: Object.keys(operation.responses)
          .filter((status) => status !== 'default')
          .map(Number)
          .toSorted((left, right) => left - right),
        paging: operation['x-ms-pageable']?.nextLinkName ?? null,
        body: nameSchema(body, `${operation.operationId}Body`, schemas),
        response: nameSchema(response, `${operation.operationId}Response`, schemas),
        ...parametersIn(operation, 'path', 'pathParameters', isLimited),
        ...parametersIn(operation, 'query', 'query'),
        ...parametersIn(operation, 'formData', 'form'),
      };
    }),
  );
}

/** Adds rows that are not in `into`, and to those that are, the versions that know them. */
export function mergeOperations(into: UntypedRow[], from: readonly UntypedRow[], onlyVersions = false): void {
  const known = new Map(into.map((row) => [keyOf(row), row]));
  for (const row of from) {
    const before = known.get(keyOf(row));
    if (before) before.apiVersions = [...new Set([...before.apiVersions, ...row.apiVersions])].toSorted();
    else if (!onlyVersions) into.push(structuredClone(row));
  }
}

/**
 * Tells each row the type of the resource that it is about, and the word behind it where it is more than reading and
 * writing (`registries` and `importImage`). A word is a type where some path goes on behind it. The type is null where
 * neither path nor row tells it.
 */
export function typeOperations(rows: readonly UntypedRow[]): OperationRow[] {
  const continued = new Set<string>();
  for (const row of rows) {
    const { shape } = tailOf(row);
    for (let length = 1; length < shape.length; length += 1) continued.add(shape.slice(0, length).join('/'));
  }
  const typed = rows.map((row) => (row.sameAs === undefined ? typeOne(row, continued) : row));
  const byId = new Map(typed.map((row) => [row.id, row]));
  const result = typed.map((row): OperationRow => {
    const { type, action } = row.sameAs === undefined ? row : (byId.get(row.sameAs) ?? {});
    return { ...row, type: type ?? null, action: action ?? null };
  });
  return result.toSorted((left, right) => compare(left.id, right.id));
}

function typeOne(row: UntypedRow, continued: ReadonlySet<string>): UntypedRow {
  if (row.type !== undefined) return row;
  const { names, shape } = tailOf(row);
  if (names.length === 0) return row;
  const types = [names[0]];
  let action: string | null = null;
  for (let index = 1; index < names.length; index += 2) {
    const last = index === names.length - 1;
    if (last && !continued.has(shape.slice(0, index + 1).join('/'))) action = names[index] ?? null;
    else types.push(names[index]);
  }
  return { ...row, type: types.join('/'), action };
}

/** What stands behind the last `providers` of a path: namespace, type, name, type, name … */
function tailOf(row: UntypedRow): { names: string[]; shape: string[] } {
  const path = row.route ?? row.path;
  const names = path.split('/').filter((segment) => segment !== '');
  const shape = shapeOf(path);
  const start = shape.lastIndexOf('providers');
  return start === -1 ? { names: [], shape: [] } : { names: names.slice(start + 1), shape: shape.slice(start + 1) };
}

function nameSchema(schema: Schema | undefined, name: string, schemas: Schemas): string | null {
  if (schema === undefined) return null;
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  schemas[name] = cleanSchema(schema);
  return name;
}

function parametersIn(
  operation: DescribedOperation,
  place: string,
  field: 'pathParameters' | 'query' | 'form',
  wanted: (row: ParameterRow) => boolean = () => true,
): Partial<OperationRow> {
  const rows = (operation.parameters ?? [])
    .filter((parameter) => parameter.in === place)
    .map(({ name, required, type, minLength, maxLength, pattern, ...rest }) => {
      const row: ParameterRow = {
        // Every parameter of a path is required.
        ...(required && place !== 'path' ? { required: true } : {}),
        type: type ?? 'string',
        ...(rest.enum ? { enum: rest.enum } : {}),
        ...(minLength === undefined ? {} : { minLength }),
        ...(maxLength === undefined ? {} : { maxLength }),
        ...(pattern === undefined ? {} : { pattern }),
      };
      return [name, row] as const;
    })
    .filter(([, row]) => wanted(row))
    .toSorted(([left], [right]) => compare(left, right));
  return rows.length === 0 ? {} : { [field]: Object.fromEntries(rows) };
}

function isLimited({ enum: values, minLength, maxLength, pattern }: ParameterRow): boolean {
  return [values, minLength, maxLength, pattern].some((limit) => limit !== undefined);
}

function keyOf({ method, path }: UntypedRow): string {
  return `${method} /${shapeOf(path).join('/')}`;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
