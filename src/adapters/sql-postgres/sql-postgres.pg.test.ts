import { afterAll, describe, expect, test } from 'vitest';
import { freshDatabase, startPostgres } from '../../../test/_postgres.ts';
import { manualClock } from '../../kernel/index.ts';
import * as fixture from '../../ports/_database-fixture.ts';
import { databaseContract } from '../../ports/database.contract.ts';
import * as retry from './_retry-fixture.ts';
import { openPostgres } from './index.ts';

const server = await startPostgres();

const { skipped } = server;
const serverUrl = skipped === undefined ? server.url : '';

describe.skipIf(skipped !== undefined)(
  `a private server${skipped === undefined ? '' : ` (skipped: ${skipped})`}`,
  () => {
    afterAll(() => (server.skipped === undefined ? server.stop() : undefined));

    databaseContract('postgres', async () => {
      const place = await freshDatabase(serverUrl);
      return {
        open: (options) => openPostgres({ ...options, url: place.url }),
        [Symbol.asyncDispose]: () => place.drop(),
      };
    });

    const newWorld = async () => {
      const place = await freshDatabase(serverUrl);
      const options = { ...fixture.fixtureOptions(manualClock()), url: place.url };
      const modules = [...options.modules, retry];
      const db = await openPostgres({ ...options, modules, migrations: retry.migrations, poolSize: 4 });
      return {
        db,
        options,
        async [Symbol.asyncDispose]() {
          await db.close();
          await place.drop();
        },
      };
    };

    describe('transactions on postgres', () => {
      test.each(['40001', '40P01'])('are run again when the server gives them up with %s', async (code) => {
        await using world = await newWorld();
        expect(await world.db.transact(retry.succeedAfter, { code, times: 3 })).toBe(4);
      });

      test('are run again even when the function hid the failure', async () => {
        await using world = await newWorld();
        expect(await world.db.transact(retry.hideFailure, { code: '40001', times: 2 })).toBe(3);
      });

      test('are busy when given up too often', async () => {
        await using world = await newWorld();
        await expect(world.db.transact(retry.succeedAfter, { code: '40001', times: 99 })).rejects.toMatchObject({
          name: 'DatabaseError',
          kind: 'busy',
        });
      });

      test('are not run again for other errors, and a full disk is told apart', async () => {
        await using world = await newWorld();
        await expect(world.db.transact(retry.succeedAfter, { code: '53100', times: 1 })).rejects.toMatchObject({
          kind: 'full',
        });
        await expect(world.db.transact(retry.succeedAfter, { code: '22012', times: 2 })).rejects.toMatchObject({
          kind: 'internal',
          message: expect.stringContaining('attempt 2') as string,
        });
      });

      test('may ask several things at once, at READ COMMITTED', async () => {
        await using world = await newWorld();
        const answers = await world.db.transact(retry.askTogether, null);
        expect(answers).toEqual(Array.from({ length: 4 }, () => ({ isolation: 'read committed' })));
      });

      test('that lose their connection are unavailable, and the next ones get another', async () => {
        await using world = await newWorld();
        for (let round = 0; round < 6; round++) {
          await expect(world.db.transact(retry.loseConnection, null)).rejects.toMatchObject({ kind: 'unavailable' });
        }
        expect(await world.db.transact(fixture.set, { name: 'a', value: 1 })).toBe(1);
      });

      test('queue for a connection and finish while the database closes', async () => {
        await using world = await newWorld();
        const running = Array.from({ length: 40 }, () => world.db.transact(fixture.increment, { name: 'a' }));
        await world.db.close();
        expect(await Promise.all(running)).toHaveLength(40);
      });
    });

    describe('opening postgres', () => {
      test('is refused when commits are not durable', async () => {
        await using world = await newWorld();
        const url = new URL(world.options.url);
        url.searchParams.set('options', '-c synchronous_commit=off');
        await expect(openPostgres({ ...world.options, url: url.href })).rejects.toMatchObject({
          kind: 'incompatible',
          message: expect.stringContaining('synchronous_commit') as string,
        });
      });

      test('is unavailable without server or database, and never tells the password', async () => {
        await using world = await newWorld();
        const url = new URL(world.options.url);
        url.password = 'hush-hush';
        const noDatabase = new URL(url);
        noDatabase.pathname = '/absent';
        const noServer = new URL(url);
        noServer.port = '1';
        for (const { href } of [noDatabase, noServer]) {
          const error: unknown = await openPostgres({ ...world.options, url: href }).catch((reason: unknown) => reason);
          expect(error).toMatchObject({ name: 'DatabaseError', kind: 'unavailable' });
          expect(String(error)).not.toContain('hush-hush');
        }
      });
    });
  },
);
