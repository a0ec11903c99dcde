import type { Contender, ContenderName } from './contenders.ts';
import { dropBigFilesFromCache, flushDisk } from './disk.ts';
import { type Measurement, type ReadyRow, readyRow } from './measure.ts';
import type { Row } from './rows.ts';

/** All measured rounds of one row. A contender's list stops early where it failed. */
export interface RowResult {
  readonly row: Row;
  readonly rounds: Partial<Record<ContenderName, readonly Measurement[]>>;
  /** Why the row is not complete; its numbers are what came before. */
  readonly failures: readonly string[];
}

export interface RoundsPlan {
  readonly contenders: readonly Contender[];
  /** Where all data of the run lies. */
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly wrk: boolean;
  readonly signal: AbortSignal;
  /** No row and no round starts after this time of `performance.now()`. */
  readonly deadline: number;
  readonly say: (line: string) => void;
}

/** A measurement that takes longer has hung. */
const measurementLimitMs = 90_000;

/**
 * Seeds a row at every contender, then runs one warm-up round, which is dropped, and the measured rounds. The contenders
 * take turns within a round and change order from round to round, so that neither drift nor the neighbour's writeback
 * favours one.
 */
export async function runRow(row: Row, plan: RoundsPlan): Promise<RowResult> {
  const failures: string[] = [];
  const taking = new Map<Contender, { ready: ReadyRow; measured: Measurement[] }>();
  const attempt = async (contender: Contender, step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      if (plan.signal.aborted) throw error;
      taking.delete(contender);
      failures.push(`${contender.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const results: Partial<Record<ContenderName, Measurement[]>> = {};

  const late = (): boolean => performance.now() > plan.deadline;
  const lateMessage = 'not measured in full: the time of the run is over';
  if (late()) return { row, rounds: results, failures: [lateMessage] };

  for (const contender of plan.contenders) {
    const measured: Measurement[] = [];
    results[contender.name] = measured;
    await attempt(contender, async () => {
      taking.set(contender, { ready: await readyRow(row, contender, plan.wrk), measured });
    });
  }
  for (let round = 0; round <= plan.rounds; round++) {
    if (late()) {
      failures.push(lateMessage);
      break;
    }
    const order = round % 2 === 0 ? plan.contenders : plan.contenders.toReversed();
    for (const contender of order) {
      await attempt(contender, async () => {
        const entry = taking.get(contender);
        if (entry === undefined) return;
        await flushDisk();
        if (row.leavesBigFiles) await dropBigFilesFromCache(plan.folder);
        const signal = AbortSignal.any([plan.signal, AbortSignal.timeout(measurementLimitMs)]);
        const measurement = await entry.ready.measure(round === 0 ? plan.warmUpSeconds : plan.seconds, signal);
        if (round > 0) entry.measured.push(measurement);
        plan.say(progress(row, round, contender, measurement));
      });
    }
  }
  return { row, rounds: results, failures };
}

function progress(row: Row, round: number, contender: Contender, { rate, cpu, wallSeconds }: Measurement): string {
  const units = row.counted === 'bytes' ? ['MB/s', 'CPU-s/GB'] : ['/s', 'CPU-ms each'];
  const label = round === 0 ? 'warm-up' : `round ${round}`;
  const numbers = `${rate.toFixed(0)} ${units[0]}, ${cpu.toFixed(3)} ${units[1]}, ${wallSeconds.toFixed(1)} s`;
  return `  ${row.name} ${label} ${contender.name}: ${numbers}`;
}
