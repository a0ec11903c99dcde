import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startBerth } from './berth.ts';
import { openConnection } from './connection.ts';
import type { Credentials } from './contenders.ts';
import { randomImage } from './content.ts';
import { registryClient } from './registry-client.ts';
import { changeColumns, repeat, stampColumn } from './repeat-rows.ts';
import { endpointTokens } from './tokens.ts';
import { pushImage } from './work.ts';

/** How much a big folder holds. */
export interface Sizes {
  readonly tags: number;
  readonly repositories: number;
}

/** A data folder of Berth that somebody has used for years. */
export interface BigFolder {
  /** Its `data` is the data folder. */
  readonly folder: string;
  readonly sizes: Sizes;
  /** Of the admin user. */
  readonly credentials: Credentials;
}

/** The repository with all the tags; they are `tagName(0)` and so on, in this order. */
export const tagsRepository = 'bench/tags';

export function tagName(index: number): string {
  return `v${String(index).padStart(7, '0')}`;
}

/** Names of the listed repositories, in the order of the catalog. `tagsRepository` comes after them. */
export function repositoryName(index: number): string {
  return `app/service-${String(index).padStart(7, '0')}`;
}

/**
 * Makes a big folder in `folder`. Berth makes the database and takes one image for each of two repositories; then SQL
 * repeats the rows that these pushes left, in one transaction. So every row is of the shape that a push leaves, whatever
 * columns there are; all tags point to one manifest, and all repositories hold the same one.
 */
export async function makeBigFolder(folder: string, sizes: Sizes): Promise<BigFolder> {
  await mkdir(folder, { recursive: true });
  const credentials = await pushSeeds(folder);
  const db = new DatabaseSync(join(folder, 'data', 'berth.db'));
  try {
    // Nobody loses anything when this transaction is lost; Berth sets its own when it opens the database.
    db.exec('pragma journal_mode = memory; pragma synchronous = off; pragma cache_size = -262144; begin');
    repeatTags(db, tagsRepository, sizes.tags - 1);
    repeatRepositories(db, sizes.repositories - 1);
    db.exec('commit; pragma journal_mode = wal');
  } finally {
    db.close();
  }
  return { folder, sizes, credentials };
}

async function pushSeeds(folder: string): Promise<Credentials> {
  await using berth = await startBerth({ name: 'berth', folder });
  const endpoint = berth.endpoints.token;
  if (endpoint.credentials === undefined) throw new Error('a first start of berth told no password');
  const tokens = await endpointTokens(endpoint);
  for (const [repository, tag] of [
    [repositoryName(0), 'latest'],
    [tagsRepository, tagName(0)],
  ] as const) {
    const client = registryClient(openConnection(endpoint), await tokens.forRepositories([repository]));
    await pushImage(client, repository, { image: randomImage(1, 4096), tag });
    client.close();
  }
  return endpoint.credentials;
}

/** Gives a repository that has the tag `tagName(0)` the next `count` ones, on the same manifest. */
export function repeatTags(db: DatabaseSync, repositoryName: string, count: number): void {
  const repository = `(select id from repository where name = '${repositoryName}')`;
  const name = `printf('v%07d', n.i)`;
  repeat(db, {
    table: 'tag',
    where: `repository_id = ${repository}`,
    count,
    set: { name, stamp: stampColumn('stamp') },
  });
  repeat(db, {
    table: 'tag_history',
    where: `repository_id = ${repository}`,
    count,
    set: { name, from_stamp: stampColumn('from_stamp') },
  });
  repeat(db, {
    table: 'change',
    where: `repository = '${repositoryName}' and kind = 'tag.set'`,
    count,
    set: { ...changeColumns, tag: name },
  });
}

function repeatRepositories(db: DatabaseSync, count: number): void {
  const seed = `(select id from repository where name = '${repositoryName(0)}')`;
  const [ids, manifests] = ['repository', 'manifest'].map((table) => `(select max(id) from temp.base_${table}) + n.i`);
  if (ids === undefined || manifests === undefined) throw new Error('there are two');
  for (const table of ['repository', 'manifest']) {
    db.exec(`create temp table base_${table} as select max(id) as id from main.${table}`);
  }
  const name = `printf('app/service-%07d', n.i)`;
  const inside = `repository_id = ${seed}`;
  const repository_id = ids;
  repeat(db, { table: 'repository', where: `id = ${seed}`, count, set: { id: ids, name } });
  const present_stamp = stampColumn('present_stamp');
  repeat(db, { table: 'manifest', where: inside, count, set: { id: manifests, repository_id, present_stamp } });
  repeat(db, { table: 'edge', where: inside, count, set: { repository_id, parent_id: manifests } });
  repeat(db, { table: 'repository_blob', where: inside, count, set: { repository_id } });
  repeat(db, { table: 'tag', where: inside, count, set: { repository_id, stamp: stampColumn('stamp') } });
  repeat(db, {
    table: 'tag_history',
    where: inside,
    count,
    set: { repository_id, from_stamp: stampColumn('from_stamp') },
  });
  repeat(db, {
    table: 'change',
    where: `repository = '${repositoryName(0)}'`,
    count,
    set: { ...changeColumns, repository: name },
  });
}
