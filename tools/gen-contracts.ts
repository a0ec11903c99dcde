/**
 * Makes `contracts/operations`, `contracts/schemas` and the types of some wire models from the API descriptions beside the
 * project and from `contracts/overlay`. `--check` writes nothing and fails when a file is not what it would write.
 * Without the descriptions it does nothing, and says so.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Description, OperationRow, Schemas } from './contracts/description.ts';
import { mergeOperations, operationsOf, typeOperations, type UntypedRow } from './contracts/operations.ts';
import { applyOverlay, type Overlay } from './contracts/overlay.ts';
import { addReadOnly, mergeSchemas, reachable, schemasOf } from './contracts/schemas.ts';
import { wireTypes } from './contracts/wire-types.ts';

/** Where the descriptions are, seen from the project; BERTH_SPECS names another folder. */
export const descriptionFolder = process.env['BERTH_SPECS'] ?? '../shared/specs/rebuilt';

/** One namespace and what it is made from; of several descriptions the earlier is right. */
export interface Source {
  readonly namespace: string;
  readonly descriptions: readonly string[];
  /** Older ones: only the versions that know an operation are taken from them. */
  readonly versionsOnly?: readonly string[];
  /** Schemas that get a TypeScript type, with all that they refer to. */
  readonly types?: readonly string[];
}

const sources: readonly Source[] = [
  { namespace: 'Azure.ContainerRegistry', descriptions: ['Azure.ContainerRegistry.dataplane.2021-07-01.json'] },
  {
    namespace: 'Microsoft.Authorization',
    descriptions: ['Microsoft.Authorization.2022-04-01.json'],
    types: ['RoleAssignment', 'RoleAssignmentCreateParameters', 'RoleDefinition'],
  },
  { namespace: 'Microsoft.ContainerInstance', descriptions: ['Microsoft.ContainerInstance.2023-05-01.json'] },
  {
    namespace: 'Microsoft.ContainerRegistry',
    descriptions: [
      'Microsoft.ContainerRegistry.2025-11-01.json',
      'Microsoft.ContainerRegistry.RegistryTasks.2025-03-01-preview.json',
      'Microsoft.ContainerRegistry.2025-03-01-preview.json',
    ],
    versionsOnly: [
      'Microsoft.ContainerRegistry.2023-11-01-preview.json',
      'Microsoft.ContainerRegistry.2025-04-01.json',
      'Microsoft.ContainerRegistry.RegistryTasks.2019-06-01-preview.json',
    ],
    types: [
      'RegenerateCredentialParameters',
      'Registry',
      'RegistryListCredentialsResult',
      'RegistryNameCheckRequest',
      'RegistryNameStatus',
      'RegistryUpdateParameters',
      'RegistryUsageListResult',
    ],
  },
  { namespace: 'Microsoft.ManagedIdentity', descriptions: [] },
  { namespace: 'Microsoft.Resources', descriptions: [] },
];

const typesFile = 'src/azure/arm/wire-types.generated.ts';
const typesNotice = 'Wire models of Azure, made by tools/gen-contracts.ts.';

/** The operations and schemas of one namespace. */
export function makeContract(
  descriptions: readonly Description[],
  more: { versionsOnly?: readonly Description[]; overlay?: Overlay } = {},
): { operations: OperationRow[]; schemas: Schemas } {
  const rows: UntypedRow[] = [];
  const schemas: Schemas = {};
  for (const description of descriptions) {
    const own = schemasOf(description);
    mergeOperations(rows, operationsOf(description, own));
    mergeSchemas(schemas, own);
  }
  for (const older of more.versionsOnly ?? []) mergeOperations(rows, operationsOf(older, {}), true);
  applyOverlay(more.overlay ?? {}, rows, schemas);
  const operations = typeOperations(rows);
  for (const { method, body, response } of operations) {
    if (method !== 'PUT' && method !== 'PATCH') continue;
    if (body !== null && response !== null) addReadOnly({ $ref: body }, { $ref: response }, schemas);
  }
  const named = operations.flatMap(({ body, response }) => [body ?? [], response ?? []].flat());
  return { operations, schemas: reachable(schemas, named) };
}

/** Files that differ from what the descriptions say, after writing them unless `check` is set. */
export async function generateContracts(
  root: string,
  options: { readonly check: boolean; readonly sources?: readonly Source[]; readonly folder?: string },
): Promise<string[]> {
  const folder = resolve(root, options.folder ?? descriptionFolder);
  const files = await contractFiles(root, folder, options.sources ?? sources);
  const stale: string[] = [];
  for (const kind of ['operations', 'schemas']) {
    if (!existsSync(join(root, 'contracts', kind))) continue;
    for (const name of await readdir(join(root, 'contracts', kind))) {
      const path = `contracts/${kind}/${name}`;
      if (files.has(path)) continue;
      stale.push(path);
      if (!options.check) await rm(join(root, path));
    }
  }
  for (const [path, text] of files) {
    const file = join(root, path);
    if (existsSync(file) && (await readFile(file, 'utf8')) === text) continue;
    stale.push(path);
    if (options.check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return stale;
}

async function contractFiles(root: string, folder: string, wanted: readonly Source[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const typed: { schemas: Schemas; names: readonly string[] }[] = [];
  for (const { namespace, descriptions, versionsOnly = [], types } of wanted) {
    const read = (name: string) => readJson(join(folder, name)) as Promise<Description>;
    const overlayFile = join(root, 'contracts', 'overlay', `${namespace}.json`);
    const { operations, schemas } = makeContract(await Promise.all(descriptions.map(read)), {
      versionsOnly: await Promise.all(versionsOnly.map(read)),
      overlay: existsSync(overlayFile) ? ((await readJson(overlayFile)) as Overlay) : {},
    });
    const untyped = operations.find(({ type }) => type === null && namespace.startsWith('Microsoft.'));
    if (untyped) throw new Error(`nothing says which type of resource ${untyped.id} is about`);
    files.set(`contracts/operations/${namespace}.json`, operationsText(namespace, operations));
    files.set(`contracts/schemas/${namespace}.json`, schemasText(schemas));
    if (types) typed.push({ schemas, names: types });
  }
  if (typed.length > 0) files.set(typesFile, wireTypes(typed, typesNotice));
  return files;
}

/** One operation a line, so that a difference shows which one changed. */
function operationsText(namespace: string, operations: readonly OperationRow[]): string {
  const lines = operations.map((row) => JSON.stringify(row, fieldOrder)).join(',\n');
  return `{"namespace":${JSON.stringify(namespace)},"operations":[\n${lines}\n]}\n`;
}

function schemasText(schemas: Schemas): string {
  const lines = Object.entries(schemas).map(
    ([name, schema]) => `${JSON.stringify(name)}:${JSON.stringify(sorted(schema))}`,
  );
  return `{"$defs":{\n${lines.join(',\n')}\n}}\n`;
}

/** Puts the fields of a row into one order, whether it comes from a description or from an overlay. */
function fieldOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('apiVersions' in value)) return value;
  const { id, method, path, ...rest } = value as OperationRow;
  return { id, method, path, ...(sorted(rest) as object) };
}

/** The same value with the keys of all objects in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

/** Why contracts cannot be made here, or undefined where they can. */
export function whyNoContracts(root: string): string | undefined {
  return existsSync(resolve(root, descriptionFolder))
    ? undefined
    : `the API descriptions are not in ${resolve(root, descriptionFolder)}`;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const check = process.argv.includes('--check');
  const reason = whyNoContracts(root);
  if (reason !== undefined) console.log(`contracts left as they are: ${reason}`);
  else {
    const stale = await generateContracts(root, { check });
    for (const path of stale) {
      console.log(check ? `${path} is not what the descriptions say; run: npm run gen` : `wrote ${path}`);
    }
    if (stale.length === 0) console.log('contracts are what the descriptions say');
    if (check && stale.length > 0) process.exitCode = 1;
  }
}
