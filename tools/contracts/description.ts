/** The parts of a Swagger 2.0 document that contracts are made from, and the shape of what is made. */

/** A schema as it stands in a description, and as it is written into `contracts/schemas`. */
export interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  allOf?: Schema[];
  readOnly?: boolean;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  /** In a description the name of the property; in a contract that with the schema for each value. */
  discriminator?: string | Discriminator;
  'x-subtypes'?: Record<string, string>;
  'x-ms-discriminator-value'?: string;
}

export interface Discriminator {
  propertyName: string;
  mapping: Record<string, string>;
}

export type Schemas = Record<string, Schema>;

export interface DescribedParameter extends Schema {
  readonly name: string;
  readonly in: string;
  // Of a parameter this is a flag.
  readonly required?: never;
  readonly schema?: Schema;
}

export interface DescribedOperation {
  readonly operationId: string;
  readonly parameters?: readonly (Omit<DescribedParameter, 'required'> & { readonly required?: boolean })[];
  readonly responses: Readonly<Record<string, { readonly schema?: Schema }>>;
  readonly 'x-ms-long-running-operation'?: boolean;
  readonly 'x-ms-pageable'?: { readonly nextLinkName?: string | null };
}

export interface Description {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly definitions: Readonly<Schemas>;
}

/** What is known of a parameter besides its name. */
export interface ParameterRow {
  required?: true;
  type: string;
  enum?: string[];
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

/** One operation, a line of `contracts/operations`. The meaning of each field is told in `src/azure/arm/contracts.ts`. */
export interface OperationRow {
  id: string;
  method: string;
  path: string;
  route?: string;
  sameAs?: string;
  type: string | null;
  action: string | null;
  apiVersions: string[];
  longRunning: boolean;
  statuses: number[];
  paging: string | null;
  body: string | null;
  response: string | null;
  pathParameters?: Record<string, ParameterRow>;
  query?: Record<string, ParameterRow>;
  form?: Record<string, ParameterRow>;
}

/** The segments of a path template, those in braces without their name. */
export function shapeOf(path: string): string[] {
  return path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => (segment.startsWith('{') ? '{}' : segment.toLowerCase()));
}
