import type { Contender, ContenderName } from './contenders.ts';
import type { Figure } from './figures.ts';
import type { GoalResult } from './goals.ts';
import type { Machine } from './machine.ts';
import type { Measurement } from './measure.ts';
import type { RowResult } from './rounds.ts';
import type { Row } from './rows.ts';
import { median, ratioSpread, type Spread } from './statistics.ts';

export { formatReport } from './report-text.ts';

/** Everything a run found, as written by `--json`. What is optional is always there now, and not in older files. */
export interface Report {
  readonly startedAt: string;
  readonly tookSeconds: number;
  readonly machine: Machine;
  readonly manifestGenerator: 'wrk' | 'own';
  readonly contenders: readonly { readonly name: ContenderName; readonly version: string }[];
  readonly rounds?: number;
  readonly rows: readonly ReportRow[];
  readonly figures?: readonly Figure[];
  /** Rows of figures that were not measured in full, with the reason. */
  readonly figureFailures?: readonly string[];
  readonly goals?: readonly GoalResult[];
  /** What this machine or this tree cannot measure, with the reason. */
  readonly skipped?: readonly string[];
}

export interface ReportRow {
  readonly name: string;
  readonly title: string;
  readonly rateUnit: string;
  readonly cpuUnit: string;
  readonly peerAccess: string;
  readonly sides: readonly Side[];
  /** First contender over second, per round; absent unless both have rounds. */
  readonly ratio?: Ratios;
  /** The further contenders over the second. */
  readonly furtherRatios?: readonly (Ratios & { readonly subject: ContenderName; readonly peer: ContenderName })[];
  readonly failures: readonly string[];
  /** The circumstances at this row, where they decide what it means. */
  readonly note?: string;
}

export interface Ratios {
  readonly rate: Spread;
  readonly cpu: Spread;
  readonly p99?: Spread;
}

export interface Side {
  readonly name: ContenderName;
  readonly rate: number;
  readonly cpu: number;
  /** The part of `cpu` that a database server of its own used; 0 where there is none. */
  readonly databaseCpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly generatorBusy: number;
  readonly rounds: readonly Measurement[];
}

export function reportRow(result: RowResult, contenders: readonly Contender[]): ReportRow {
  const sides = contenders.map(({ name }) => side(name, result.rounds[name] ?? []));
  const [subject, peer, ...further] = sides;
  const ratio = subject && peer && ratios(subject, peer);
  const furtherRatios = further.flatMap((each) => {
    const found = peer && ratios(each, peer);
    return peer && found ? [{ subject: each.name, peer: peer.name, ...found }] : [];
  });
  const { name, title, peerAccess } = result.row;
  const facts = { name, title, ...units(result.row), peerAccess, sides };
  return { ...facts, ...(ratio && { ratio }), furtherRatios, failures: result.failures };
}

function side(name: ContenderName, rounds: readonly Measurement[]): Side {
  const middle = (key: 'rate' | 'cpu' | 'p50' | 'p99' | 'generatorBusy'): number =>
    median(rounds.map((round) => round[key]));
  const databaseCpu = median(
    rounds.map(({ cpu, cpuSeconds, databaseCpuSeconds }) =>
      databaseCpuSeconds === 0 ? 0 : (cpu * databaseCpuSeconds) / cpuSeconds,
    ),
  );
  const medians = { rate: middle('rate'), cpu: middle('cpu'), databaseCpu, p50: middle('p50'), p99: middle('p99') };
  return { name, ...medians, generatorBusy: middle('generatorBusy'), rounds };
}

function ratios(subject: Side, peer: Side): Ratios | undefined {
  if (subject.rounds.length === 0 || peer.rounds.length === 0) return undefined;
  const of = (key: 'rate' | 'cpu' | 'p99'): Spread =>
    ratioSpread(
      subject.rounds.map((round) => round[key]),
      peer.rounds.map((round) => round[key]),
    );
  return { rate: of('rate'), cpu: of('cpu'), p99: of('p99') };
}

function units(row: Row): { rateUnit: string; cpuUnit: string } {
  return row.counted === 'bytes'
    ? { rateUnit: 'MB/s', cpuUnit: 'CPU-s/GB' }
    : { rateUnit: '/s', cpuUnit: 'CPU-ms each' };
}
