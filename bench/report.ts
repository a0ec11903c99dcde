import type { Contender, ContenderName } from './contenders.ts';
import type { Machine } from './machine.ts';
import type { Measurement } from './measure.ts';
import type { RowResult } from './rounds.ts';
import type { Row } from './rows.ts';
import { median, ratioSpread, type Spread } from './statistics.ts';

/** Everything a run found, as written by `--json`. */
export interface Report {
  readonly startedAt: string;
  readonly tookSeconds: number;
  readonly machine: Machine;
  readonly manifestGenerator: 'wrk' | 'own';
  readonly contenders: readonly { readonly name: ContenderName; readonly version: string }[];
  readonly rows: readonly ReportRow[];
}

export interface ReportRow {
  readonly name: string;
  readonly title: string;
  readonly rateUnit: string;
  readonly cpuUnit: string;
  readonly peerAccess: string;
  readonly sides: readonly Side[];
  /** First contender over second, per round; absent unless both have rounds. */
  readonly ratio?: { readonly rate: Spread; readonly cpu: Spread };
  readonly failures: readonly string[];
}

export interface Side {
  readonly name: ContenderName;
  readonly rate: number;
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly generatorBusy: number;
  readonly rounds: readonly Measurement[];
}

export function reportRow(result: RowResult, contenders: readonly Contender[]): ReportRow {
  const sides = contenders.map(({ name }) => side(name, result.rounds[name] ?? []));
  const [subject, peer] = sides;
  const ratio =
    subject && peer && subject.rounds.length > 0 && peer.rounds.length > 0 ? ratios(subject, peer) : undefined;
  const { name, title, peerAccess } = result.row;
  return { name, title, ...units(result.row), peerAccess, sides, ...(ratio && { ratio }), failures: result.failures };
}

function side(name: ContenderName, rounds: readonly Measurement[]): Side {
  const middle = (key: 'rate' | 'cpu' | 'p50' | 'p99' | 'generatorBusy'): number =>
    median(rounds.map((round) => round[key]));
  const medians = { rate: middle('rate'), cpu: middle('cpu'), p50: middle('p50'), p99: middle('p99') };
  return { name, ...medians, generatorBusy: middle('generatorBusy'), rounds };
}

function ratios(subject: Side, peer: Side): { rate: Spread; cpu: Spread } {
  const of = (key: 'rate' | 'cpu'): Spread =>
    ratioSpread(
      subject.rounds.map((round) => round[key]),
      peer.rounds.map((round) => round[key]),
    );
  return { rate: of('rate'), cpu: of('cpu') };
}

function units(row: Row): { rateUnit: string; cpuUnit: string } {
  return row.counted === 'bytes'
    ? { rateUnit: 'MB/s', cpuUnit: 'CPU-s/GB' }
    : { rateUnit: '/s', cpuUnit: 'CPU-ms each' };
}

/** The report as a Markdown table that also reads well on a terminal. */
export function formatReport(report: Report): string {
  const { machine } = report;
  const names = report.contenders.map(({ name, version }) => `${name} (${version})`).join(' against ');
  const header = ['row', 'unit'];
  for (const { name } of report.contenders) header.push(name);
  header.push('ratio (min–max)', 'p50 / p99 ms', 'generator');
  const lines = report.rows.flatMap((row) => rowLines(row));
  const failures = report.rows.flatMap((row) => row.failures.map((failure) => `INCOMPLETE ${row.name}: ${failure}`));
  return [
    names,
    `${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB, kernel ${machine.kernel}, ${machine.fileSystem}, Node ${machine.node}`,
    `load average before the run ${machine.loadAverage.toFixed(2)}; manifests by ${report.manifestGenerator}; took ${report.tookSeconds.toFixed(0)} s`,
    '',
    ...table([header, ...lines]),
    '',
    ...(report.contenders.length > 1
      ? ['ratio: first over second, median of rounds; rate above 1 and CPU below 1 are better']
      : []),
    ...failures,
  ].join('\n');
}

function rowLines(row: ReportRow): string[][] {
  const latency = row.sides.map(({ p50, p99 }) => `${short(p50)} / ${short(p99)}`).join('; ');
  const busy = row.sides.map((each) => percent(each.generatorBusy)).join('; ');
  return [
    [row.title, row.rateUnit, ...row.sides.map(({ rate }) => short(rate)), ratioText(row.ratio?.rate), latency, busy],
    ['', row.cpuUnit, ...row.sides.map(({ cpu }) => short(cpu)), ratioText(row.ratio?.cpu), '', ''],
  ];
}

function ratioText(ratio: Spread | undefined): string {
  if (ratio === undefined) return '-';
  return `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`;
}

function table(cells: readonly (readonly string[])[]): string[] {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map(
    (line) => `| ${widths.map((width, column) => (line[column] ?? '').padEnd(width)).join(' | ')} |`,
  );
  return [...lines.slice(0, 1), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...lines.slice(1)];
}

function percent(share: number): string {
  return Number.isNaN(share) ? '-' : `${Math.round(share * 100)} %`;
}

/** Three significant digits, whole above 100. */
function short(value: number): string {
  if (Number.isNaN(value)) return '-';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
