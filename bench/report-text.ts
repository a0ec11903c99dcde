import type { Figure } from './figures.ts';
import type { GoalResult } from './goals.ts';
import type { Report, ReportRow } from './report.ts';
import type { Spread } from './statistics.ts';

/** The report as Markdown tables that also read well on a terminal. */
export function formatReport(report: Report): string {
  const { machine } = report;
  const known = report.contenders.map(({ name }) => name);
  const [common, apart] = [true, false].map((inside) =>
    report.rows.filter((row) => row.sides.every(({ name }) => known.includes(name)) === inside),
  );
  const incomplete = report.rows.flatMap((row) => row.failures.map((failure) => `${row.name}: ${failure}`));
  return [
    ...(known.length > 0
      ? [report.contenders.map(({ name, version }) => `${name} (${version})`).join(' against ')]
      : []),
    `${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB, kernel ${machine.kernel}, ${machine.fileSystem}, Node ${machine.node}`,
    `load average before the run ${machine.loadAverage.toFixed(2)}; manifests by ${report.manifestGenerator}; ${report.rounds ?? '?'} rounds; took ${report.tookSeconds.toFixed(0)} s`,
    ...(common?.length ? ['', ...loadTable(common, known)] : []),
    ...(apart ?? []).flatMap((row) => [
      '',
      ...loadTable(
        [row],
        row.sides.map(({ name }) => name),
      ),
      ...(row.note === undefined ? [] : [row.note]),
    ]),
    ...(known.length > 1
      ? ['', 'ratio: over the second server, median of rounds; rate above 1, CPU and p99 below 1 are better']
      : []),
    ...(known.includes('berth-pg')
      ? ["CPU of berth-pg: Berth's and its PostgreSQL server's; in brackets the server's part"]
      : []),
    ...figureTable(report.figures ?? []),
    ...goalTable(report.goals ?? []),
    ...(report.skipped ?? []).map((line) => `SKIPPED ${line}`),
    ...[...incomplete, ...(report.figureFailures ?? [])].map((line) => `INCOMPLETE ${line}`),
  ].join('\n');
}

function loadTable(rows: readonly ReportRow[], names: readonly string[]): string[] {
  const [, peer, ...further] = names;
  const ratioColumns = further.map((name) => `${name} / ${peer}`);
  const header = ['row', 'unit', ...names, 'ratio (min–max)', ...ratioColumns, 'p50 / p99 ms', 'generator'];
  return table([header, ...rows.flatMap((row) => rowLines(row, names))]);
}

function rowLines(row: ReportRow, names: readonly string[]): string[][] {
  const sides = names.map((name) => row.sides.find((each) => each.name === name));
  const further = names.slice(2).map((name) => row.furtherRatios?.find(({ subject }) => subject === name));
  const latency = row.sides.map(({ p50, p99 }) => `${short(p50)} / ${short(p99)}`).join('; ');
  const busy = row.sides.map((each) => percent(each.generatorBusy)).join('; ');
  const line = (key: 'rate' | 'cpu' | 'p99', cells: readonly string[]): string[] => [
    ...cells,
    ...sides.map((each) => {
      const part = key === 'cpu' && each && each.databaseCpu > 0 ? ` (${short(each.databaseCpu)})` : '';
      return each ? short(each[key]) + part : '';
    }),
    ratioText(row.ratio?.[key]),
    ...further.map((each) => (each ? ratioText(each[key]) : '')),
  ];
  return [
    [...line('rate', [row.title, row.rateUnit]), latency, busy],
    [...line('cpu', ['', row.cpuUnit]), '', ''],
    ...(row.rateUnit === '/s' ? [[...line('p99', ['', 'p99 ms']), '', '']] : []),
  ];
}

function figureTable(figures: readonly Figure[]): string[] {
  if (figures.length === 0) return [];
  const lines = figures.map(({ title, side, unit, median, values }) => {
    const range = `${short(Math.min(...values))}–${short(Math.max(...values))}`;
    return [title, side, unit, short(median), range, String(values.length)];
  });
  return ['', ...table([['figure', 'server', 'unit', 'median', 'min–max', 'values'], ...lines])];
}

function goalTable(goals: readonly GoalResult[]): string[] {
  if (goals.length === 0) return [];
  const lines = goals.map(({ row, goal, measured, verdict, note }) => [
    row,
    goal,
    measured === null ? '-' : short(measured),
    note === undefined ? verdict : `${verdict}: ${note}`,
  ]);
  return ['', ...table([['row', 'goal', 'measured', 'verdict'], ...lines])];
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
