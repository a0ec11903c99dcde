import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { migrations } from '../../data/index.ts';
import {
  lockRegistry,
  registryResource,
  registryResources,
  registryResourcesOfGroup,
} from './registry-resource-store.ts';
import { registryByName } from './registry-store.ts';

// The indexes of registries hold the living ones: a state that is bound, and not said, is not known when SQLite plans.
test.each([
  ['by name', registryByName],
  ['held, by name', lockRegistry],
  ['by resource', registryResource],
  ['a page of all', registryResources],
  ['a page of a group', registryResourcesOfGroup],
])('registries %s are found by an index', (_, statement) => {
  using db = new DatabaseSync(':memory:');
  for (const one of migrations.flatMap((migration) => migration.statements('sqlite'))) db.exec(one);
  const { sql } = statement.compile('sqlite');
  const steps = db.prepare(`explain query plan ${sql}`).all();
  expect(steps.map((step) => String(step['detail'])).filter((detail) => !detail.startsWith('SEARCH'))).toEqual([]);
});
