import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { Command, CommanderError } from 'commander';
import { programVersion } from './app.ts';
import { addAz } from './az-command.ts';
import { addAzSetup } from './az-setup.ts';
import { addBackup } from './cli-backup.ts';
import { addFsck } from './cli-care.ts';
import { addUser } from './cli-user.ts';
import { describeConfig, type LoadedConfig, loadConfig } from './config.ts';
import { addDoctor } from './doctor/command.ts';
import { askServer } from './management-client.ts';
import { printable, StartRefusal } from './start-refusal.ts';
import { addTrust } from './trust-command.ts';
import { up } from './up.ts';
import { refusalLines, refusalList } from './why.ts';

type Options = Record<string, string | boolean | string[] | undefined>;
type Answer = Record<string, unknown>;

/** The command line. Building it starts nothing. */
export function program(): Command {
  const berth = new Command('berth')
    .description('Berth: a private container registry that its user owns')
    .version(programVersion)
    .configureHelp({ showGlobalOptions: true })
    // So that `berth az` leaves options of az to az.
    .enablePositionalOptions()
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
    .exitOverride();

  const start = berth
    .command('up')
    .description('start the server; the first start makes everything')
    .option('--json', 'print one JSON line when ready, for scripts')
    .option('--http <HOST:PORT>', 'short for --http-listen')
    .option('--https <HOST:PORT>', 'short for --https-listen')
    .option('--config <FILE>', 'configuration file; otherwise berth.yaml in the data folder');
  for (const row of describeConfig()) {
    if (row.flag !== null) start.option(`${row.flag} <${row.unit === null ? 'value' : row.type}>`, row.meaning);
  }
  start.action(async (options: Options) => {
    const flags = {
      ...options,
      ...(options['http'] === undefined ? {} : { httpListen: options['http'] }),
      ...(options['https'] === undefined ? {} : { httpsListen: options['https'] }),
    };
    await up(load(flags), { json: options['json'] === true });
  });

  addCredentials(berth);
  addRegistry(berth);
  addToken(berth);
  addUser(berth, { shared, folderOf });
  addTrust(shared(berth.command('trust')), folderOf);
  addAzSetup(shared(berth.command('az-setup')), folderOf);
  addAz(berth, folderOf);
  addWhy(berth);
  addFsck(berth, { shared, folderOf });
  addBackup(berth, { shared, folderOf });

  shared(berth.command('status').description('show what the running server is and does')).action(
    async (options: Options) => {
      print(await askServer(folderOf(options), 'GET', '/status'), options, (status) =>
        Object.entries(status).map(([key, value]) => `${key.padEnd(14)} ${show(value)}`),
      );
    },
  );

  addDoctor(berth, { version: programVersion, load });

  const config = berth.command('config').description('look at the configuration');
  shared(config.command('show').description('show every key, its value and where that came from')).action(
    async (options: Options) => {
      const keys = describeConfig(load({ data: options['data'] })).map(({ key, value, source }) => ({
        key,
        value,
        source,
      }));
      print({ keys }, options, () =>
        keys.map((row) => `${row.key.padEnd(32)} ${(row.value ?? '').padEnd(30)} ${row.source}`),
      );
    },
  );
  return berth;
}

function addCredentials(berth: Command): void {
  const credentials = shared(
    berth
      .command('credentials')
      .description('show user and secrets of the admin user again')
      .option('--registry <NAME>', 'the registry; otherwise the first one')
      .option('--renew <NAME>', 'make a new "password" or "password2" first'),
  );
  credentials.action(async (options: Options) => {
    const base = `/registries/${registryOf(options)}/credentials`;
    if (options['renew'] !== undefined) {
      await askServer(folderOf(options), 'POST', `${base}/${encodeURIComponent(String(options['renew']))}`);
    }
    const shown = await askServer(folderOf(options), 'GET', base);
    print(shown, options, () => [
      `login server   ${show(shown['loginServer'])}`,
      `user           ${show(shown['username'])}`,
      ...(shown['passwords'] as { name: string; value: string }[]).map(
        ({ name, value }) => `${name.padEnd(14)} ${value}`,
      ),
      ...(shown['adminEnabled'] === true
        ? []
        : ['The admin user of this registry is off; berth registry update --admin-enabled true turns it on.']),
    ]);
  });
}

function addRegistry(berth: Command): void {
  const registry = berth.command('registry').description('make, list, show, change and delete registries');
  const line = (one: Answer): string =>
    `${show(one['name']).padEnd(30)} ${show(one['loginServer'])}${one['default'] === true ? '  (first)' : ''}`;

  shared(
    registry
      .command('create <NAME>')
      .description('make a registry')
      .option('--resource-group <NAME>', 'group to make it in; otherwise the first one')
      .option('--sku <TIER>', 'Basic, Standard (the default) or Premium')
      .option('--location <REGION>', 'region to make it in; otherwise the first one')
      .option('--admin-enabled', 'let the admin user sign in')
      .option('--anonymous-pull', 'let everybody pull'),
  ).action(async (name: string, options: Options) => {
    const body = {
      name,
      ...pick(options, 'resourceGroup', 'sku', 'location'),
      adminEnabled: options['adminEnabled'] === true,
      anonymousPull: options['anonymousPull'] === true,
    };
    print(await askServer(folderOf(options), 'POST', '/registries', body), options, (made) => [line(made)]);
  });
  shared(registry.command('list').description('list registries')).action(async (options: Options) => {
    print(await askServer(folderOf(options), 'GET', '/registries'), options, (answer) =>
      (answer['registries'] as Answer[]).map(line),
    );
  });
  shared(registry.command('show <NAME>').description('show one registry')).action(
    async (name: string, options: Options) => {
      print(await askServer(folderOf(options), 'GET', registryPath(name)), options, (one) =>
        Object.entries(one).map(([key, value]) => `${key.padEnd(22)} ${show(value)}`),
      );
    },
  );
  shared(
    registry
      .command('update <NAME>')
      .description('change the switches of a registry')
      .option('--sku <TIER>', 'Basic, Standard or Premium')
      .option('--admin-enabled <true|false>', 'whether the admin user may sign in')
      .option('--anonymous-pull <true|false>', 'whether everybody may pull')
      .option('--default', 'make it the one that the plain listener serves, in place of the one that was'),
  ).action(async (name: string, options: Options) => {
    const body = {
      ...pick(options, 'sku', 'default'),
      ...switchOf(options, 'adminEnabled', '--admin-enabled'),
      ...switchOf(options, 'anonymousPull', '--anonymous-pull'),
    };
    print(await askServer(folderOf(options), 'PATCH', registryPath(name), body), options, (one) => [line(one)]);
  });
  shared(registry.command('delete <NAME>').description('delete a registry')).action(
    async (name: string, options: Options) => {
      await askServer(folderOf(options), 'DELETE', registryPath(name));
      print({ deleted: name }, options, () => [`${name} is deleted`]);
    },
  );
}

function addToken(berth: Command): void {
  const token = berth.command('token').description('make, list and delete repository-scoped tokens');
  const inRegistry = (command: Command): Command =>
    shared(command.option('--registry <NAME>', 'the registry; otherwise the first one'));

  inRegistry(
    token
      .command('create')
      .description('make a token; its passwords are shown this one time')
      .requiredOption('--name <NAME>', 'name of the token: 5 to 50 letters, digits or "-"')
      .requiredOption(
        '--repository <NAME...>',
        'a repository, "prefix/*" or "*"; may be repeated, each followed by its --actions',
        pair,
      )
      .requiredOption(
        '--actions <ACTIONS...>',
        'content/read, content/write, content/delete, metadata/read, metadata/write; separated by commas',
        pair,
      )
      .option('--expires-in <DAYS>', 'days until the passwords expire; otherwise never'),
  ).action(async (options: Options) => {
    const body = {
      name: options['name'],
      actions: scopeMapActions(options['repository'] as string[], options['actions'] as string[]),
      expiresMs: expiryOf(options['expiresIn']),
    };
    const path = `/registries/${registryOf(options)}/tokens`;
    print(await askServer(folderOf(options), 'POST', path, body), options, (made) => [
      `user           ${show(made['username'])}`,
      ...(made['passwords'] as { name: string; value: string }[]).map(
        ({ name, value }) => `${name.padEnd(14)} ${value}`,
      ),
    ]);
  });
  inRegistry(token.command('list').description('list tokens')).action(async (options: Options) => {
    const answer = await askServer(folderOf(options), 'GET', `/registries/${registryOf(options)}/tokens`);
    print(answer, options, () =>
      (answer['tokens'] as Answer[]).map(
        (one) =>
          `${show(one['name']).padEnd(30)} ${show(one['status']).padEnd(10)} ${(one['actions'] as string[]).join(' ')}`,
      ),
    );
  });
  inRegistry(token.command('delete <NAME>').description('delete a token; it stops working at once')).action(
    async (name: string, options: Options) => {
      await askServer(
        folderOf(options),
        'DELETE',
        `/registries/${registryOf(options)}/tokens/${encodeURIComponent(name)}`,
      );
      print({ deleted: name }, options, () => [`${name} is deleted`]);
    },
  );
}

function addWhy(berth: Command): void {
  shared(
    berth
      .command('why [ID]')
      .description('tell which rule refused a request, whom, for what, and what would allow it')
      .option('--last [N]', 'the latest refused requests instead; 10 of them')
      .option('--registry <NAME>', 'with --last: of this registry only'),
  ).action(async (id: string | undefined, options: Options) => {
    if ((id === undefined) === (options['last'] === undefined))
      throw new StartRefusal('give the id of a refused request, or --last');
    if (id !== undefined) {
      print(await askServer(folderOf(options), 'GET', `/refusals/${encodeURIComponent(id)}`), options, refusalLines);
      return;
    }
    const query = new URLSearchParams({ last: options['last'] === true ? '10' : String(options['last']) });
    if (options['registry'] !== undefined) query.set('registry', String(options['registry']));
    print(await askServer(folderOf(options), 'GET', `/refusals?${query.toString()}`), options, refusalList);
  });
}

/** A complaint of commander, which may have a suggestion on a line of its own, as the other refusals look. */
function oneLine(text: string): string {
  const line = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
  return `berth: ${printable(line)}; add --help for the options\n`;
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Keeps repeated options in the order given, so that each repository goes with the actions beside it. */
function pair(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

/** Scope map lines of repositories and their actions; one list of actions serves all repositories. */
function scopeMapActions(repositories: readonly string[], actions: readonly string[]): string[] {
  if (actions.length !== 1 && actions.length !== repositories.length) {
    throw new StartRefusal('give --actions once for all repositories, or once for each --repository');
  }
  return repositories.flatMap((repository, index) =>
    (actions[actions.length === 1 ? 0 : index] ?? '')
      .split(',')
      .map((action) => `repositories/${repository}/${action.trim()}`),
  );
}

function expiryOf(days: Options[string]): number | null {
  if (days === undefined) return null;
  const count = Number(days);
  if (!Number.isFinite(count) || count <= 0)
    throw new StartRefusal(`--expires-in ${String(days)} is not a number of days`);
  return Date.now() + Math.floor(count * 86_400_000);
}

function switchOf(options: Options, property: string, flag: string): Record<string, boolean> {
  const value = options[property];
  if (value === undefined) return {};
  if (value !== 'true' && value !== 'false') throw new StartRefusal(`${flag} is true or false, not "${String(value)}"`);
  return { [property]: value === 'true' };
}

/** Those of `names` that were given. */
function pick(options: Options, ...names: string[]): Options {
  return Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}

function shared(command: Command): Command {
  return command.option('--data <FOLDER>', 'data folder of the server').option('--json', 'print JSON');
}

function registryOf(options: Options): string {
  return options['registry'] === undefined ? '-' : encodeURIComponent(String(options['registry']));
}

function registryPath(name: string): string {
  return `/registries/${encodeURIComponent(name)}`;
}

function folderOf(options: Options): string {
  return load({ data: options['data'] }).config.data;
}

function load(flags: Options): LoadedConfig {
  return loadConfig({
    flags,
    env: process.env,
    home: homedir(),
    folder: process.cwd(),
    readFile(path) {
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
        throw new StartRefusal(`cannot read ${path}: ${(error as Error).message}`);
      }
    },
  });
}

function print(
  answer: Record<string, unknown>,
  options: Options,
  lines: (answer: Record<string, unknown>) => string[],
): void {
  process.stdout.write(
    options['json'] === true ? `${JSON.stringify(answer)}\n` : `${lines(answer).map(printable).join('\n')}\n`,
  );
}

/** Runs a command. What a person can put right is said in one line and ends with 1; anything else shows its stack. */
export async function main(argv: string[]): Promise<void> {
  // Nothing that Berth writes is for others on this machine.
  process.umask(0o077);
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode;
      return;
    }
    process.exitCode = 1;
    if (!(error instanceof StartRefusal)) throw error;
    process.stderr.write(`berth: ${error.message}\n`);
  }
}
