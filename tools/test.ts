/** `npm test`: the checks, then the store tests on PostgreSQL where it is installed, then the whole program end to end. */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runChecks } from './check.ts';
import { type Counts, noCounts, printSum, runVitest, sumCounts } from './steps.ts';

/** Where threads could show each other something old, or disturb each other. `npm run test:full` runs all. */
const withThreads = ['authorization', 'kept-answers', 'push-blobs', 'push-manifests', 'delete', 'referrers', 'mount'];

const counts = sumCounts([
  await runChecks(),
  await runPostgres(),
  await runVitest('end to end', ['--config', 'vitest.e2e.config.ts']),
  await runVitest(
    `end to end with three serving threads: ${withThreads.join(', ')}`,
    ['--config', 'vitest.e2e.config.ts', ...withThreads.map((name) => `test/e2e/${name}.test.ts`)],
    { BERTH_TEST_FLAGS: '--workers 3' },
  ),
]);
printSum(counts);
if (counts.failed > 0) process.exitCode = 1;

async function runPostgres(): Promise<Counts> {
  if (!hasPostgres()) {
    console.log('skip tests on PostgreSQL: no initdb on PATH or in /usr/lib/postgresql/*/bin');
    return noCounts;
  }
  return runVitest('tests on PostgreSQL', ['.pg.test.ts'], { BERTH_TEST_POSTGRES: '1' });
}

function hasPostgres(): boolean {
  const onPath = (process.env['PATH'] ?? '').split(delimiter);
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : [];
  return [...onPath, ...versions].some((folder) => existsSync(join(folder, 'initdb')));
}
