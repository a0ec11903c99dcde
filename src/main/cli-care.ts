import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CheckReport, Finding } from '../content/index.ts';
import { parseBytes } from './config-values.ts';
import { askServer } from './management-client.ts';
import { StartRefusal } from './start-refusal.ts';

type Options = Record<string, string | boolean | string[] | undefined>;

/** What all commands share. */
export interface CommandTools {
  /** Adds `--data` and `--json`. */
  shared(command: Command): Command;
  folderOf(options: Options): string;
}

/** Exit code of a check that found damage; 1 is a command that could not do its work. */
export const damageFound = 2;

/** How often the server is asked: soon at first, later seldom. */
const firstPollMs = 100;
const lastPollMs = 2_000;
const tellEveryMs = 2_000;

/** Adds `berth fsck`. */
export function addFsck(berth: Command, tools: CommandTools): void {
  const command = berth
    .command('fsck')
    .description('hold everything stored against its digests; exit code 2 when something is damaged')
    .option('--registry <NAME>', 'this registry only')
    .option('--rate <BYTES>', 'bytes a second, for instance 20MiB; 0 is as fast as it goes; otherwise fsck.rate')
    .option('--restart', 'begin anew instead of joining the check under way');
  tools.shared(command).action(async (options: Options) => {
    const folder = tools.folderOf(options);
    const query = new URLSearchParams();
    if (options['registry'] !== undefined) query.set('registry', String(options['registry']));
    if (options['rate'] !== undefined) query.set('rate', String(parseBytes(String(options['rate']))));
    if (options['restart'] === true) query.set('restart', 'true');
    const begun = await askServer(folder, 'POST', `/checks?${query.toString()}`);
    const report = await untilEnded(folder, Number(begun['id']), options['json'] !== true);
    const counts = { damaged: 0, unreferenced: 0 };
    if (options['json'] !== true) print(...headOf(report));
    const listed: Finding[] = [];
    for await (const finding of findingsOf(folder, report.id)) {
      counts[finding.problem === 'unreferenced' ? 'unreferenced' : 'damaged'] += 1;
      if (options['json'] === true) listed.push(finding);
      else print(...linesOf(finding));
    }
    if (options['json'] === true) print(JSON.stringify({ ...report, findings: listed }));
    if (counts.damaged > 0) process.exitCode = damageFound;
    if (report.state === 'stopped') throw new StartRefusal('the check was begun anew by somebody else');
  });
}

/** Follows a check to its end; what it tells meanwhile goes to standard error. */
async function untilEnded(folder: string, id: number, tells: boolean): Promise<CheckReport> {
  let toldAt = performance.now();
  let pollMs = firstPollMs;
  for (;;) {
    const report = (await askServer(folder, 'GET', `/checks/${id}`)) as unknown as CheckReport;
    if (report.state !== 'running') return report;
    if (tells && performance.now() - toldAt > tellEveryMs) {
      toldAt = performance.now();
      const why = report.waitingFor === null ? '' : `; waits: ${report.waitingFor}`;
      process.stderr.write(`${report.phase}: ${sum(report)}${why}\n`);
    }
    await delay(pollMs);
    pollMs = Math.min(lastPollMs, pollMs * 1.5);
  }
}

async function* findingsOf(folder: string, id: number): AsyncGenerator<Finding> {
  for (let after: string | null = ''; after !== null; ) {
    const path: string = `/checks/${id}/findings?after=${encodeURIComponent(after)}`;
    const page = (await askServer(folder, 'GET', path)) as unknown as { findings: Finding[]; next: string | null };
    yield* page.findings;
    after = page.next;
  }
}

function headOf(report: CheckReport): string[] {
  const lost = report.damaged + report.gone;
  return [
    `checked ${sum(report)}`,
    lost === 0 && report.unreadable === 0
      ? 'everything is whole'
      : `${lost} damaged or gone, ${report.unreadable} could not be read`,
    ...(report.restored > 0 ? [`${report.restored} were missing and are back`] : []),
    ...(report.unreferenced > 0 ? [`${report.unreferenced} objects have no row; they were left alone`] : []),
  ];
}

function linesOf(finding: Finding): string[] {
  const name = finding.digest ?? finding.location ?? '';
  const list = (what: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`  ${what} ${items.join(', ')}`];
  return [
    `${finding.problem} ${finding.kind} ${name}: ${finding.detail}`,
    ...(finding.registry === null ? [] : [`  registry ${finding.registry}`]),
    ...list('repositories', finding.repositories),
    ...list('manifests', finding.manifests),
    ...list('tags', finding.tags),
  ];
}

function sum(report: CheckReport): string {
  return `${report.blobs} blobs and ${report.manifests} manifests, ${report.bytes} bytes`;
}

function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
