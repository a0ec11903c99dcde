/**
 * `node tools/bench-gate.ts NEW.json [OLD.json]`: holds a bench report against an earlier one, by default the one that is
 * committed as docs/bench.json. Ends with 1 on a clear regression.
 *
 * Compared are the ratios to the peer, never absolute numbers: both sides of a ratio ran on the same machine in the same
 * minutes. A ratio is clearly worse when both hold:
 *   - the ranges of the rounds (min–max) do not touch: the best new round is worse than the worst old one;
 *   - the median is worse by more than a tenth.
 * A row or a ratio that is not there any more, and a row that was not measured in full, fail; a new row is named. Several
 * small steps, each within the noise of its time, pass: the history of docs/bench.json shows them.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Report, ReportRow } from '../bench/report.ts';
import { projectRoot } from './steps.ts';

/** What the gate found: a line per ratio, and the lines that make it fail. */
export interface GateResult {
  readonly lines: readonly string[];
  readonly failures: readonly string[];
}

type Ratio = NonNullable<ReportRow['ratio']>['rate'];

/** What became worse by less than this share is no regression, however steady the rounds were. */
const slack = 0.1;

/** Holds `fresh` against `before`; undefined when there is no earlier report. */
export function gate(before: Report | undefined, fresh: Report): GateResult {
  const lines: string[] = [];
  const failures: string[] = [];
  const fail = (line: string): void => {
    lines.push(`FAIL ${line}`);
    failures.push(line);
  };
  if (!before) lines.push('no committed result to compare with');
  else if (sidesOf(before) !== sidesOf(fresh)) lines.push(`measured were ${sidesOf(before)}, now ${sidesOf(fresh)}`);
  const known = new Map(before?.rows.map((row) => [row.name, row]));
  for (const row of fresh.rows) {
    for (const failure of row.failures) fail(`${row.name}: not measured in full: ${failure}`);
    const old = known.get(row.name);
    known.delete(row.name);
    if (!old) lines.push(`new  ${row.name}: ${ratios(row)}`);
    else compare(old, row, { pass: (line) => lines.push(`ok   ${line}`), fail });
  }
  for (const name of known.keys()) fail(`${name}: was measured before and is not any more`);
  return { lines, failures };
}

function compare(
  old: ReportRow,
  row: ReportRow,
  say: { pass: (line: string) => unknown; fail: (line: string) => void },
) {
  if (!old.ratio) {
    say.pass(`${row.name}: no ratio before, now ${ratios(row)}`);
    return;
  }
  if (!row.ratio) {
    say.fail(`${row.name}: had a ratio to the peer and has none any more`);
    return;
  }
  for (const kind of ['rate', 'cpu'] as const) {
    const [was, is] = [old.ratio[kind], row.ratio[kind]];
    const line = `${row.name} ${kind}: ${shown(was)} → ${shown(is)}`;
    if (isWorse(was, is, kind)) say.fail(line);
    else say.pass(line);
  }
}

/** More is better for a rate, less for CPU. A ratio that is no number proves nothing good. */
function isWorse(was: Ratio, is: Ratio, kind: 'rate' | 'cpu'): boolean {
  if (!Number.isFinite(is.median)) return true;
  return kind === 'rate'
    ? is.max < was.min && is.median < was.median * (1 - slack)
    : is.min > was.max && is.median > was.median * (1 + slack);
}

function ratios({ ratio }: ReportRow): string {
  return ratio ? `rate ${shown(ratio.rate)}, cpu ${shown(ratio.cpu)}` : 'no ratio';
}

function shown({ median, min, max }: Ratio): string {
  const [middle, least, most] = [median, min, max].map((value) => (Number.isFinite(value) ? value.toFixed(2) : '-'));
  return `${middle} (${least}–${most})`;
}

function sidesOf(report: Report): string {
  return report.contenders.map(({ name, version }) => `${name} (${version})`).join(' against ');
}

/** The report that the last commit holds; undefined when it holds none. */
export function committedReport(): Report | undefined {
  const listed = execFileSync('git', ['ls-tree', '--name-only', 'HEAD', 'docs/bench.json'], { cwd: projectRoot });
  if (listed.length === 0) return undefined;
  const text = execFileSync('git', ['show', 'HEAD:docs/bench.json'], { cwd: projectRoot, maxBuffer: 1 << 26 });
  return JSON.parse(text.toString('utf8')) as Report;
}

if (import.meta.main) {
  const [fresh, old] = process.argv.slice(2);
  if (fresh === undefined) throw new Error('name the JSON file of a bench report');
  const read = (file: string): Report => JSON.parse(readFileSync(file, 'utf8')) as Report;
  const { lines, failures } = gate(old === undefined ? committedReport() : read(old), read(fresh));
  for (const line of lines) console.log(line);
  if (failures.length > 0) process.exitCode = 1;
}
