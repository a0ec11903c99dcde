/**
 * Writes the pages of `docs` that follow from the code: docs/config.md from the table of keys, docs/cli.md from the help
 * of the commands, docs/compatibility.md from the contracts, the providers and the tests. `--check` writes nothing and fails when a page is not what it would write.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { type ConfigRow, describeConfig } from '../src/main/config.ts';
import { compatibilityPage } from './compatibility/page.ts';

const notice = '<!-- Made by tools/gen-docs.ts from the code: change it there, then run `npm run gen`. -->';

/** Pages that differ from what the code says, after writing them unless `check` is set. */
export async function generateDocs(root: string, options: { check: boolean }): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, text] of await pages(root)) {
    const file = join(root, path);
    const current = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (current === text) continue;
    stale.push(path);
    if (options.check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return stale;
}

/** The page about the configuration. */
export function configPage(rows: readonly ConfigRow[]): string {
  return [
    notice,
    '',
    '# Configuration',
    '',
    'Berth runs without any configuration. What is set is read from, the first that has it winning: flags of the command,',
    'environment variables, the configuration file, defaults. The file is `berth.yaml` in the data folder, or the one that',
    '`--config FILE` or `BERTH_CONFIG` names. A key that Berth does not know is an error.',
    '',
    '```yaml',
    '# berth.yaml: sections nest, and every key may be left out',
    'domain: registry.example.com',
    'https:',
    '  listen: [0.0.0.0:443, "[::]:443"]',
    'limits:',
    '  uploadIdle: 12h',
    '```',
    '',
    'Durations take `ms`, `s`, `m`, `h` or `d` (`90s`), sizes `KiB`, `MiB`, `GiB`, `TiB` or a plain number of bytes.',
    'Relative paths begin in the current folder, those of the file in its own folder; `~/` is the home folder. An empty',
    'variable counts as not set. `berth config show` prints each effective value and where it came from.',
    '',
    ...rows.flatMap(section),
  ].join('\n');
}

/** The page about the commands. */
export function cliPage(program: Command): string {
  const commands = allCommands(program, program.name());
  return [
    notice,
    '',
    '# Command line',
    '',
    ...commands.flatMap(({ title, command }) => [`## ${title}`, '', '```text', helpOf(command), '```', '']),
  ].join('\n');
}

async function pages(root: string): Promise<[string, string][]> {
  const found: [string, string][] = [['docs/config.md', configPage(describeConfig())]];
  const program = await loadProgram(root);
  if (program !== undefined) found.push(['docs/cli.md', cliPage(program)]);
  if (existsSync(join(root, 'contracts', 'az-commands.txt'))) {
    found.push(['docs/compatibility.md', await compatibilityPage(root, notice)]);
  }
  return found;
}

async function loadProgram(root: string): Promise<Command | undefined> {
  const file = join(root, 'src', 'main', 'cli.ts');
  if (!existsSync(file)) return undefined;
  const cli = (await import(pathToFileURL(file).href)) as { program?: () => Command };
  return cli.program?.();
}

function allCommands(command: Command, title: string): { title: string; command: Command }[] {
  return [{ title, command }, ...command.commands.flatMap((child) => allCommands(child, `${title} ${child.name()}`))];
}

/** Help at a fixed width: the page must not depend on the terminal that made it. */
function helpOf(command: Command): string {
  command.configureOutput({ getOutHelpWidth: () => 100, getOutHasColors: () => false });
  return command.helpInformation().trimEnd();
}

function section(row: ConfigRow): string[] {
  return [
    `## \`${row.key}\``,
    '',
    row.meaning,
    '',
    `- Default: ${row.default === null ? `none: ${row.otherwise}` : `\`${row.default}\``}`,
    ...(row.choices.length > 0 ? [`- Values: ${row.choices.map((choice) => `\`${choice}\``).join(', ')}`] : []),
    `- Type: ${row.type}${row.unit === null ? '' : `, ${row.unit}`}`,
    `- Variable: \`${row.env}\``,
    `- Flag: ${row.flag === null ? 'none' : `\`${row.flag}\``}`,
    '',
  ];
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  const stale = await generateDocs(join(import.meta.dirname, '..'), { check });
  for (const path of stale)
    console.log(check ? `${path} is not what the code says; run: npm run gen` : `wrote ${path}`);
  if (stale.length === 0) console.log('docs are what the code says');
  if (check && stale.length > 0) process.exitCode = 1;
}
