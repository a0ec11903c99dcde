import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { figureRowsBytes, runFigureRows } from './figure-rows.ts';
import { judge } from './goals.ts';
import { runLoads } from './loads.ts';
import { assertMachineFits, describeMachine } from './machine.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { formatReport, type Report } from './report.ts';
import { wrkIsPresent } from './wrk.ts';

/* npm run bench: Berth side by side with CNCF Distribution, on the same disk, in alternating rounds. See README.md. */

/** Bytes that one round of uploads leaves at each contender, generously: two rows of two times 200 MB. */
const bytesPerRound = 900_000_000;
const bytesOnce = 1_500_000_000;

const say = (line: string): void => console.error(line);

async function bench(options: Options, signal: AbortSignal): Promise<Report> {
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const parent = await realpath(options.parentFolder);
  await assertMachineFits(parent, neededBytes(options));
  const machine = describeMachine(parent);
  if (machine.fileSystem === 'tmpfs')
    say(`${parent} lies in memory (tmpfs); name a folder on a disk with --dir for real numbers`);

  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(parent, 'berth-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));

  const wrk = await wrkIsPresent();
  const { rounds, quick } = options;
  const loads = await runLoads(options, { folder, wrk, started, signal, say });
  // The servers above have ended: these have the machine for themselves.
  const rest = await runFigureRows(options.figureRows, { folder, rounds, quick, signal, say });
  const { figures, failures: figureFailures } = rest;
  const asked = [...options.rows.map(({ name }) => name), ...options.figureRows];
  return {
    startedAt,
    tookSeconds: (performance.now() - started) / 1000,
    machine,
    manifestGenerator: wrk ? 'wrk' : 'own',
    contenders: loads.contenders,
    rounds,
    rows: loads.rows,
    figures,
    figureFailures,
    goals: judge({ rows: loads.rows, figures, machine }, asked),
    skipped: [...loads.skipped, ...rest.skipped],
  };
}

function neededBytes({ contenders, rows, rounds, figureRows }: Options): number {
  const loads = rows.length === 0 ? 0 : contenders.length * (bytesOnce + (rounds + 1) * bytesPerRound);
  return loads + figureRowsBytes(figureRows);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => interruption.abort(new Error(`stopped by ${name}`)));
  }
  try {
    const report = await bench(options, interruption.signal);
    console.log(formatReport(report));
    if (options.jsonFile !== undefined) await writeFile(options.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
    const failures = [...report.rows.flatMap((row) => row.failures), ...(report.figureFailures ?? [])];
    return failures.length > 0 ? 1 : 0;
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    say(String(interruption.signal.reason));
    return 130;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
