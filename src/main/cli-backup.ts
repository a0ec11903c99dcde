import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { randomIds, systemClock } from '../kernel/index.ts';
import type { BackupReport } from './backup.ts';
import type { BackupManifest } from './backup-folder.ts';
import { type CommandTools, damageFound } from './cli-care.ts';
import { parseBytes } from './config-values.ts';
import { askServer } from './management-client.ts';
import { StartRefusal } from './start-refusal.ts';

type Options = Record<string, string | boolean | string[] | undefined>;

const firstPollMs = 100;
const lastPollMs = 2_000;
const tellEveryMs = 2_000;

/** Adds `berth backup` and `berth restore`. */
export function addBackup(berth: Command, tools: CommandTools): void {
  tools
    .shared(
      berth
        .command('backup <FOLDER>')
        .description('copy everything into a folder while the server runs; exit code 2 when something was damaged')
        .option('--rate <BYTES>', 'bytes a second, for instance 20MiB; otherwise as fast as it goes')
        .option('--without-keys', 'leave out root.key, without which the secrets of the backup do not open')
        .option('--verify', 'make no backup: hold the one in the folder against its digests, also without a server'),
    )
    .action(async (folder: string, options: Options) => {
      if (options['verify'] === true) await verify(resolve(folder), options);
      else await backUp(resolve(folder), options, tools);
    });
  tools
    .shared(
      berth
        .command('restore <FOLDER>')
        .description('make a new data folder from the backup in a folder; verifies everything'),
    )
    .action((folder: string, options: Options) => restore(resolve(folder), options, tools));
}

async function backUp(target: string, options: Options, tools: CommandTools): Promise<void> {
  const folder = tools.folderOf(options);
  const query = new URLSearchParams({ target });
  if (options['rate'] !== undefined) query.set('rate', String(parseBytes(String(options['rate']))));
  if (options['withoutKeys'] === true) query.set('withoutKeys', 'true');
  const begun = await askServer(folder, 'POST', `/backups?${query.toString()}`);
  const report = await untilEnded(folder, String(begun['id']), teller(options));
  if (report.state === 'failed') throw new StartRefusal(`the backup failed: ${report.error}`);
  print(options, report, () => [
    `${report.objects} objects are in ${target}, ${report.copied} of them copied now (${report.copiedBytes} bytes)`,
    ...damageLines(report),
  ]);
  if (report.damagedCount > 0) process.exitCode = damageFound;
}

async function untilEnded(folder: string, id: string, tell: (line: string) => void): Promise<BackupReport> {
  for (let pollMs = firstPollMs; ; pollMs = Math.min(lastPollMs, pollMs * 1.5)) {
    const report = (await askServer(folder, 'GET', `/backups/${id}`)) as unknown as BackupReport;
    if (report.state !== 'running') return report;
    tell(`${report.phase}: ${report.objects} objects, ${report.copiedBytes} bytes copied`);
    await delay(pollMs);
  }
}

async function verify(folder: string, options: Options): Promise<void> {
  const { verifyBackup } = await import('./restore.ts');
  const tell = teller(options);
  const verified = await verifyBackup(folder, ({ objects, of }) => tell(`${objects} of ${of} objects`));
  const { manifest, problems, marked, unmarked } = verified;
  print(options, { ...shown(manifest), problems, marked, unmarked }, () => [
    ...headOf(manifest),
    ...(problems.length === 0 ? ['everything is whole'] : problems),
    ...(marked > 0 ? [`damaged objects that the next backup into ${folder} copies anew: ${marked}`] : []),
    ...(unmarked === null
      ? []
      : [`the next backup will not copy all that is damaged anew, because it could not be marked: ${unmarked}`]),
  ]);
  if (problems.length > 0) process.exitCode = damageFound;
}

async function restore(source: string, options: Options, tools: CommandTools): Promise<void> {
  const target = tools.folderOf(options);
  const { restoreBackup } = await import('./restore.ts');
  const tell = teller(options);
  const manifest = await restoreBackup({
    source,
    target,
    clock: systemClock,
    ids: randomIds,
    told: ({ objects, of }) => tell(`${objects} of ${of} objects`),
  });
  print(options, { ...shown(manifest), data: target }, () => [
    ...headOf(manifest),
    `${target} is ready: berth up --data ${target}`,
    ...(manifest.withoutKeys ? [`put root.key, which the backup does not hold, into ${target} first, mode 600`] : []),
    ...(manifest.engine === 'postgres'
      ? ['the rows came from PostgreSQL and are in SQLite now: take database.url out of the configuration first']
      : []),
    ...damageLines(manifest),
  ]);
}

function shown(manifest: BackupManifest): Record<string, unknown> {
  const { files: _files, format: _format, ...rest } = manifest;
  return rest;
}

function headOf(manifest: BackupManifest): string[] {
  const { count, bytes } = manifest.objects;
  return [`backup of ${new Date(manifest.startedMs).toISOString()}: ${count} objects, ${bytes} bytes`];
}

function damageLines(report: Pick<BackupReport, 'damaged' | 'damagedCount'>): string[] {
  if (report.damagedCount === 0) return [];
  return [
    `${report.damagedCount} were damaged or gone and are missing in the backup:`,
    ...report.damaged.map(
      (one) => `${one.digest}: ${one.problem}, ${one.detail}; tags ${one.tags.join(', ') || 'none'}`,
    ),
  ];
}

/** Tells how far it has come, now and then, to a person only. */
function teller(options: Options): (line: string) => void {
  let toldAt = performance.now();
  return (line) => {
    if (options['json'] === true || performance.now() - toldAt < tellEveryMs) return;
    toldAt = performance.now();
    process.stderr.write(`${line}\n`);
  };
}

function print(options: Options, answer: object, lines: () => string[]): void {
  process.stdout.write(options['json'] === true ? `${JSON.stringify(answer)}\n` : `${lines().join('\n')}\n`);
}
