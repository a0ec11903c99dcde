/** The operations and schemas of Resource Manager, read from `contracts/` when the first request asks for them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FindOperation, indexOperations } from './operation-index.ts';

/** One operation of a management API, as its description has it. */
export interface ArmOperation {
  /** `Registries_Create`; unique within its namespace. */
  readonly id: string;
  /** `Microsoft.ContainerRegistry`. */
  readonly namespace: string;
  readonly method: string;
  /** The template as described, parameters in braces. */
  readonly path: string;
  /** The template that requests are held against, where that is another one. */
  readonly route?: string;
  /** The id of the operation that stands for this one, because both are the same request. */
  readonly sameAs?: string;
  /** What it is about, as permissions name it: `Microsoft.ContainerRegistry/registries/webhooks`. */
  readonly type: string;
  /** The word behind the type where it does more than read, write or delete: `importImage`. */
  readonly action: string | null;
  /** Versions that know the operation, oldest first. Clients also send others. */
  readonly apiVersions: readonly string[];
  readonly longRunning: boolean;
  /** What clients take for an answer; anything else is an error to them. */
  readonly statuses: readonly number[];
  /** The name of the property with the address of the next page, or null when there are no pages. */
  readonly paging: string | null;
  /** The name of the schema of its body, or null when it takes none. */
  readonly body: string | null;
  readonly response: string | null;
  /** Those parameters of the path that have limits. */
  readonly pathParameters?: Readonly<Record<string, ArmParameter>>;
  readonly query?: Readonly<Record<string, ArmParameter>>;
}

export interface ArmParameter {
  readonly required?: boolean;
  readonly type: string;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

/** A JSON Schema as it stands in `contracts/schemas`. */
export interface ArmSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, ArmSchema>>;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly items?: ArmSchema;
  readonly additionalProperties?: ArmSchema;
  readonly readOnly?: boolean;
  readonly format?: string;
  /** The name of the schema for each value of a property. */
  readonly discriminator?: { readonly propertyName: string; readonly mapping: Readonly<Record<string, string>> };
}

/** The schemas of one namespace by name. */
export type ArmSchemas = Readonly<Record<string, ArmSchema>>;

/** All that the contracts say. */
export interface ArmContracts {
  /** Operations by namespace and id. */
  readonly operations: ReadonlyMap<string, ReadonlyMap<string, ArmOperation>>;
  readonly find: FindOperation;
  /** Reads the schemas of a namespace, once. Rejects for one that is not in `operations`. */
  readonly schemas: (namespace: string) => Promise<ArmSchemas>;
}

/** Beside `src` as beside `dist`. */
const contractsFolder = fileURLToPath(new URL('../../../contracts', import.meta.url));

/**
 * Answers a function that reads the operations at its first call and gives the same ones ever after. A start that nobody
 * sends a management request to reads nothing. It rejects where the installation lacks the files, and tries again at the
 * next call.
 */
export function lazyContracts(folder: string = contractsFolder): () => Promise<ArmContracts> {
  return once(() => readContracts(folder));
}

async function readContracts(folder: string): Promise<ArmContracts> {
  // The data plane has tables of its own, in `content/wire`.
  const names = (await readdir(join(folder, 'operations'))).filter((name) => /^Microsoft\.\w+\.json$/.test(name));
  const tables = await Promise.all(names.toSorted().map((name) => readOperations(join(folder, 'operations', name))));
  const operations = new Map(tables);
  const schemas = new Map(
    [...operations.keys()].map((namespace) => [
      namespace,
      once(async () => {
        const { $defs } = (await readJson(join(folder, 'schemas', `${namespace}.json`))) as { $defs: ArmSchemas };
        return $defs;
      }),
    ]),
  );
  return {
    operations,
    find: indexOperations([...operations.values()].flatMap((table) => [...table.values()])),
    async schemas(namespace) {
      const read = schemas.get(namespace);
      if (read === undefined) throw new Error(`there are no contracts of "${namespace}"`);
      return read();
    },
  };
}

async function readOperations(file: string): Promise<[string, ReadonlyMap<string, ArmOperation>]> {
  const { namespace, operations } = (await readJson(file)) as {
    readonly namespace: string;
    readonly operations: readonly Omit<ArmOperation, 'namespace'>[];
  };
  return [namespace, new Map(operations.map((row) => [row.id, { ...row, namespace }]))];
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

/** Calls once, and again only after a failure. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
