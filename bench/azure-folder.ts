import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { assignment, azureClient, type Robot, roles } from './azure-client.ts';
import { type RunningBerth, startBerth } from './berth.ts';
import { repeatTags, tagName } from './big-folder.ts';
import { openConnection } from './connection.ts';
import type { Credentials } from './contenders.ts';
import { randomImage } from './content.ts';
import { registryClient } from './registry-client.ts';
import { repeat, stampColumn } from './repeat-rows.ts';
import { endpointTokens } from './tokens.ts';
import { pushImage } from './work.ts';

/** How much an Azure folder holds. */
export interface AzureSizes {
  readonly registries: number;
  /** As many on each registry. */
  readonly assignments: number;
  /** In the one repository of the default registry. */
  readonly tags: number;
}

/** A data folder of a large subscription. */
export interface AzureFolder {
  /** Its `data` is the data folder. */
  readonly folder: string;
  readonly sizes: AzureSizes;
  /** Of the admin user of the default registry. */
  readonly credentials: Credentials;
  /** An Owner of the subscription. */
  readonly operator: Credentials;
  /** Has AcrPull on the default registry. */
  readonly puller: Robot;
  /** Has a role on one registry alone, in the middle of the list. */
  readonly lone: Robot;
  /** Of the registries, in the order of their names. */
  scope(index: number): string;
}

/** The repository of the default registry; its tags are `tagName(0)` and so on. */
export const pulledRepository = 'bench/pulled';

/** Those who share the assignments between them. */
const principals = 1000;

function registryName(index: number): string {
  return `bench${String(index).padStart(7, '0')}`;
}

/**
 * Makes an Azure folder in `folder`. Berth takes one registry, one application with a role on it and one image through its
 * own API; then SQL repeats the rows that these left, in one transaction, as in `makeBigFolder`.
 */
export async function makeAzureFolder(folder: string, sizes: AzureSizes): Promise<AzureFolder> {
  await mkdir(folder, { recursive: true });
  const seeds = await makeSeeds(folder, registryName(Math.floor(sizes.registries / 2)));
  const db = new DatabaseSync(join(folder, 'data', 'berth.db'));
  try {
    // Nobody loses anything when this transaction is lost; Berth sets its own when it opens the database.
    db.exec('pragma journal_mode = memory; pragma synchronous = off; pragma cache_size = -262144; begin');
    repeatRegistries(db, sizes.registries);
    repeatPrincipals(db);
    repeatAssignments(db, sizes);
    repeatTags(db, pulledRepository, sizes.tags - 1);
    db.exec('commit; pragma journal_mode = wal');
  } finally {
    db.close();
  }
  const { group, ...people } = seeds;
  const scope = (index: number): string => scopeIn(group, registryName(index));
  return { folder, sizes, ...people, scope };
}

function scopeIn(group: string, name: string): string {
  return `${group}/providers/Microsoft.ContainerRegistry/registries/${name}`;
}

type Seeds = Omit<AzureFolder, 'folder' | 'sizes' | 'scope'> & { readonly group: string };

/** Makes what is repeated, and the registry in the middle, which is there on its own. */
async function makeSeeds(folder: string, middle: string): Promise<Seeds> {
  await using berth = await startBerth({ name: 'berth', folder });
  using client = azureClient(berth);
  const { credentials } = berth.endpoints.token;
  const { operator, subscriptionId } = berth;
  if (credentials === undefined || operator === undefined) throw new Error('a first start of berth told no password');
  await pushSeed(berth);
  const token = await client.userToken(operator, 'management');
  const path = `/subscriptions/${subscriptionId}/providers/Microsoft.ContainerRegistry/registries?api-version=2025-11-01`;
  const { value } = (await client.call('management', token, { method: 'GET', path })) as {
    value: { id: string; location: string }[];
  };
  const first = value[0];
  if (first === undefined) throw new Error('a first start of berth makes a registry');
  const group = first.id.replace(/\/providers\/.*/, '');
  for (const name of [registryName(0), middle]) {
    await client.call('management', token, {
      method: 'PUT',
      path: `${scopeIn(group, name)}?api-version=2025-11-01`,
      body: { location: first.location, sku: { name: 'Premium' } },
    });
  }
  const graph = await client.userToken(operator, 'msgraph');
  const robot = async (name: string, scope: string, role: string): Promise<Robot> => {
    const made = await client.robot(graph, name);
    await client.call('management', token, assignment(scope, { objectId: made.objectId, role, subscriptionId }));
    return made;
  };
  await robot(repeatedName, scopeIn(group, registryName(0)), roles.reader);
  const puller = await robot('puller', first.id, roles.pull);
  const lone = await robot('lone', scopeIn(group, middle), roles.reader);
  return { credentials, operator, puller, lone, group };
}

async function pushSeed(berth: RunningBerth): Promise<void> {
  const endpoint = berth.endpoints.token;
  const tokens = await (await endpointTokens(endpoint)).forRepositories([pulledRepository]);
  const client = registryClient(openConnection(endpoint), tokens);
  await pushImage(client, pulledRepository, { image: randomImage(9, 256), tag: tagName(0) });
  client.close();
}

const repeatedName = 'repeated';
const nameOf = (index: string): string => `printf('bench%07d', ${index})`;
const guidOf = (group: string, index: string): string => `printf('%08x-0000-4000-${group}-000000000000', ${index})`;
const renamed = (column: string, index: string): string =>
  `replace(seed.${column}, '${registryName(0)}', ${nameOf(index)})`;

/** All but the first and the middle one, which are there. */
function repeatRegistries(db: DatabaseSync, registries: number): void {
  const middle = Math.floor(registries / 2);
  const index = `(n.i + (n.i >= ${middle}))`;
  const common = { name: nameOf(index), stamp: stampColumn('stamp') };
  const count = registries - 2;
  const [resource_key, key, id] = ['resource_key', 'key', 'id'].map((column) => renamed(column, index));
  if (resource_key === undefined || key === undefined || id === undefined) throw new Error('there are three');
  db.exec('create temp table base_registry as select max(id) as id from main.registry');
  repeat(db, {
    table: 'resource',
    where: `name = '${registryName(0)}'`,
    count,
    set: { ...common, key, id, etag: `'"' || ${common.stamp} || '"'` },
  });
  repeat(db, {
    table: 'registry',
    where: `name = '${registryName(0)}'`,
    count,
    set: { ...common, resource_key, id: '(select max(id) from temp.base_registry) + n.i' },
  });
}

function repeatPrincipals(db: DatabaseSync): void {
  const where = `display_name = '${repeatedName}'`;
  const app_id = guidOf('8000', 'n.i');
  const stamp = stampColumn('stamp');
  for (const [table, group] of [
    ['application', '9000'],
    ['service_principal', 'a000'],
  ] as const) {
    repeat(db, { table, where, count: principals - 1, set: { object_id: guidOf(group, 'n.i'), app_id, stamp } });
  }
}

function repeatAssignments(db: DatabaseSync, { assignments, registries }: AzureSizes): void {
  const index = `(n.i / ${assignments / registries})`;
  const principal = `n.i % ${principals}`;
  repeat(db, {
    table: 'role_assignment',
    where: `scope_key like '%/${registryName(0)}'`,
    count: assignments - 1,
    set: {
      name: guidOf('b000', 'n.i'),
      scope: renamed('scope', index),
      scope_key: renamed('scope_key', index),
      principal_id: `case ${principal} when 0 then seed.principal_id else ${guidOf('a000', principal)} end`,
      stamp: stampColumn('stamp'),
    },
  });
}
