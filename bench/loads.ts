import { mkdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { type Contender, startContender } from './contenders.ts';
import { describeMachine } from './machine.ts';
import type { Options } from './options.ts';
import { type Report, type ReportRow, reportRow } from './report.ts';
import { type RoundsPlan, runRow } from './rounds.ts';
import type { Row } from './rows.ts';
import { startWorkerPair } from './workers.ts';

const limitSecondsPerRound = 90;

/** What the rows of loads found. */
export type LoadsResult = Pick<Report, 'contenders' | 'rows'> & { readonly skipped: readonly string[] };

export interface LoadsPlan {
  /** Where all data of the run lies. */
  readonly folder: string;
  readonly wrk: boolean;
  /** When the run began, by `performance.now()`. */
  readonly started: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Starts the contenders, runs every row of loads that was asked for, and ends the contenders. */
export async function runLoads(options: Options, loads: LoadsPlan): Promise<LoadsResult> {
  await using stack = new AsyncDisposableStack();
  const skipped: string[] = [];
  const wanted = options.rows.some(({ between }) => between !== 'workers') ? options.contenders : [];
  const contenders: Contender[] = [];
  for (const name of wanted) {
    loads.signal.throwIfAborted();
    const home = join(loads.folder, name);
    await mkdir(home);
    const said: string[] = [];
    const contender = await startContender(name, home, (line) => {
      said.push(line);
      loads.say(line);
    });
    if (contender !== undefined) contenders.push(stack.use(contender));
    else skipped.push(...said);
  }
  if (contenders.length === 0 && wanted.length > 0) throw new Error('nobody to measure');
  if (contenders.length < wanted.length) loads.say(`Only ${contenders.map(({ name }) => name).join(', ')} will run.`);

  const { rounds, seconds, warmUpSeconds } = options;
  const deadline = loads.started + (rounds + 1) * limitSecondsPerRound * 1000 * Math.max(1, seconds / 2);
  const plan = { ...loads, contenders, rounds, seconds, warmUpSeconds, deadline };
  const rows: ReportRow[] = [];
  for (const row of options.rows) {
    loads.signal.throwIfAborted();
    loads.say(row.title);
    const measured = await (row.between === 'workers' ? measureWorkers(row, plan) : measureRow(row, plan)).catch(
      (error: unknown) => {
        loads.signal.throwIfAborted();
        const failures = [error instanceof Error ? error.message : String(error)];
        return reportRow({ row, rounds: {}, failures }, []);
      },
    );
    if (typeof measured === 'string') skipped.push(measured);
    else rows.push(measured);
  }
  return { contenders: contenders.map(({ name, version }) => ({ name, version })), rows, skipped };
}

/** Measures a row between those of the contenders whom it is about; answers why not, where none of them is there. */
async function measureRow(row: Row, plan: RoundsPlan): Promise<ReportRow | string> {
  const taking = plan.contenders.filter(({ name }) => row.between !== 'contenders' || name !== 'berth-pg');
  if (taking.length === 0) return `${row.name}: none of those who run take part`;
  return reportRow(await runRow(row, { ...plan, contenders: taking }), taking);
}

/** Measures Berth with two workers against one; answers why not, where this tree has no workers. */
async function measureWorkers(row: Row, plan: RoundsPlan): Promise<ReportRow | string> {
  const load = loadavg()[0] ?? Number.NaN;
  const pair = await startWorkerPair(plan.folder);
  if ('skipped' in pair) return `${row.name}: ${pair.skipped}`;
  await using running = pair;
  const measured = reportRow(await runRow(row, { ...plan, contenders: running.contenders }), running.contenders);
  const { cores } = describeMachine(plan.folder);
  return { ...measured, note: `${cores} cores, load average before this row ${load.toFixed(2)}` };
}
