import { expect, it } from 'vitest';
import { catalogRange } from './repository-store.ts';

// Of two lower bounds SQLite seeks to one and reads its way up to the other: seconds, for a token that may see little.
it('a page of the catalog has one lower bound to seek to', () => {
  const { sql } = catalogRange.compile('sqlite');
  expect(sql.match(/"name" >=? \?/g)).toHaveLength(1);
});
