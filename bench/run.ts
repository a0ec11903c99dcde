import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Contender, startContender } from './contenders.ts';
import { assertMachineFits, describeMachine } from './machine.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { formatReport, type Report, type ReportRow, reportRow } from './report.ts';
import { runRow } from './rounds.ts';
import { wrkIsPresent } from './wrk.ts';

/* npm run bench: Berth side by side with CNCF Distribution, on the same disk, in alternating rounds. See README.md. */

/** Bytes that one round of uploads leaves at each contender, generously. */
const bytesPerRound = 500_000_000;
const bytesOnce = 1_000_000_000;
const limitSecondsPerRound = 90;

const say = (line: string): void => console.error(line);

async function bench(options: Options, signal: AbortSignal): Promise<Report> {
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const parent = await realpath(options.parentFolder);
  await assertMachineFits(parent, options.contenders.length * (bytesOnce + (options.rounds + 1) * bytesPerRound));
  const machine = describeMachine(parent);
  if (machine.fileSystem === 'tmpfs')
    say(`${parent} lies in memory (tmpfs); name a folder on a disk with --dir for real numbers`);

  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(parent, 'berth-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));

  const contenders: Contender[] = [];
  for (const name of options.contenders) {
    signal.throwIfAborted();
    const home = join(folder, name);
    await mkdir(home);
    const contender = await startContender(name, home, say);
    if (contender !== undefined) contenders.push(stack.use(contender));
  }
  if (contenders.length === 0) throw new Error('nobody to measure');
  if (contenders.length < options.contenders.length)
    say(`Only ${contenders.map(({ name }) => name).join(', ')} will run.`);

  const wrk = await wrkIsPresent();
  const { rounds, seconds, warmUpSeconds } = options;
  const deadline = started + (options.rounds + 1) * limitSecondsPerRound * 1000 * Math.max(1, seconds / 2);
  const rows: ReportRow[] = [];
  for (const row of options.rows) {
    signal.throwIfAborted();
    say(row.title);
    const plan = { contenders, folder, rounds, seconds, warmUpSeconds, wrk, signal, deadline, say };
    rows.push(reportRow(await runRow(row, plan), contenders));
  }
  return {
    startedAt,
    tookSeconds: (performance.now() - started) / 1000,
    machine,
    manifestGenerator: wrk ? 'wrk' : 'own',
    contenders: contenders.map(({ name, version }) => ({ name, version })),
    rows,
  };
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
    return report.rows.some((row) => row.failures.length > 0) ? 1 : 0;
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
