import { parentPort, workerData } from 'node:worker_threads';
import { manualClock } from '../../kernel/index.ts';
import * as fixture from '../../ports/_database-fixture.ts';
import * as faulty from './_faulty-fixture.ts';
import { joinSqlite, type SqliteShare } from './index.ts';

/** A client of the writer in a thread of its own: at each `raise` it says what it reads and raises that by one. */
const database = await joinSqlite({
  share: workerData as SqliteShare,
  modules: [...fixture.fixtureOptions(manualClock()).modules, faulty],
  clock: manualClock(),
});

parentPort?.on('message', (message: 'raise' | 'end') => {
  if (message === 'raise') void raise();
  else void database.close().then(() => parentPort?.close());
});

async function raise(): Promise<void> {
  const row = await database.first(fixture.readCounter, { name: 'a' });
  await database.transact(fixture.add, { name: 'a', value: 1 });
  parentPort?.postMessage(row?.value);
}
