import type { Command } from 'commander';
import type { SignIn, UserSummary } from '../identity/index.ts';
import type { CommandTools } from './cli-care.ts';
import { askServer } from './management-client.ts';
import { printable, StartRefusal } from './start-refusal.ts';

type Options = Record<string, string | boolean | string[] | undefined>;
type Shown = UserSummary & { readonly password?: string };

/** Most of standard input that is taken for a password. */
const maxInput = 4096;

/** Adds `berth user` and `berth sign-ins`. No password stands on a command line, where others of the machine see it. */
export function addUser(berth: Command, tools: CommandTools): void {
  const shared = (command: Command): Command => tools.shared(command);
  const folderOf = (options: Options): string => tools.folderOf(options);
  const user = berth.command('user').description('make, list, change and delete users');
  const send = async (options: Options, method: string, path: string, body?: unknown): Promise<Shown> =>
    (await askServer(folderOf(options), method, path, body)) as unknown as Shown;

  shared(
    user
      .command('create <NAME>')
      .description('make a user; without --password-stdin a password is made, and shown this one time')
      .option('--display-name <TEXT>', 'how the user is shown; otherwise the name')
      .option('--password-stdin', 'take the password, 12 to 256 characters, from standard input'),
  ).action(async (name: string, options: Options) => {
    const password = await passwordOf(options);
    const displayName = options['displayName'];
    print(options, await send(options, 'POST', '/users', { name, displayName, password }), withPassword);
  });
  shared(user.command('list').description('list users')).action(async (options: Options) => {
    const answer = await askServer(folderOf(options), 'GET', '/users');
    print(options, answer, () => (answer['users'] as UserSummary[]).map(line));
  });
  shared(
    user
      .command('set-password <NAME>')
      .description('give a user another password and end all its sessions; without --password-stdin one is made')
      .option('--password-stdin', 'take the password, 12 to 256 characters, from standard input'),
  ).action(async (name: string, options: Options) => {
    const password = await passwordOf(options);
    print(options, await send(options, 'POST', `${pathOf(name)}/password`, { password }), withPassword);
  });
  for (const [command, enabled] of [
    ['disable', false],
    ['enable', true],
  ] as const) {
    const does = enabled ? 'let a user sign in again' : 'keep a user out at once, until it is enabled again';
    shared(user.command(`${command} <NAME>`).description(does)).action(async (name: string, options: Options) => {
      print(options, await send(options, 'PATCH', pathOf(name), { enabled }), (one) => [line(one)]);
    });
  }
  shared(
    user.command('revoke <NAME>').description('end all sessions of a user, everywhere; the password stays'),
  ).action(async (name: string, options: Options) => {
    print(options, await send(options, 'POST', `${pathOf(name)}/revoke`), (one) => [
      `every session of ${one.name} has ended`,
    ]);
  });
  shared(user.command('delete <NAME>').description('delete a user, its roles and its sessions')).action(
    async (name: string, options: Options) => {
      await askServer(folderOf(options), 'DELETE', pathOf(name));
      print(options, { deleted: name }, () => [`${name} is deleted`]);
    },
  );

  shared(
    berth
      .command('sign-ins')
      .description('show who has tried to sign in, and what was refused')
      .option('--user <NAME>', 'of one user, or one object id')
      .option('--last <N>', 'how many; otherwise 20'),
  ).action(async (options: Options) => {
    const query = new URLSearchParams({ last: String(options['last'] ?? 20) });
    if (options['user'] !== undefined) query.set('user', String(options['user']));
    const answer = await askServer(folderOf(options), 'GET', `/sign-ins?${query.toString()}`);
    print(options, answer, () => (answer['signIns'] as SignIn[]).map(signInLine));
  });
}

function pathOf(name: string): string {
  return `/users/${encodeURIComponent(name)}`;
}

function line(one: UserSummary): string {
  return `${one.name.padEnd(40)} ${one.displayName.padEnd(30)} ${one.enabled ? 'enabled' : 'disabled'}`;
}

function withPassword(one: Shown): string[] {
  return [
    `user           ${one.name}`,
    ...(one.password === undefined ? [] : [`password       ${one.password}`, 'It is not shown again.']),
  ];
}

function signInLine(one: SignIn): string {
  const who = one.principal === '' ? '(nobody of that name)' : one.principal;
  const outcome = one.error === '' ? 'signed in' : `refused: ${one.error}`;
  return [new Date(one.at).toISOString(), one.flow.padEnd(18), who.padEnd(40), one.address.padEnd(16), outcome].join(
    '  ',
  );
}

/** The first line of standard input; undefined without `--password-stdin`. */
async function passwordOf(options: Options): Promise<string | undefined> {
  if (options['passwordStdin'] !== true) return undefined;
  if (process.stdin.isTTY) process.stderr.write('password: ');
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes('\n')) break;
    if (text.length > maxInput) throw new StartRefusal('standard input is too long for a password');
  }
  const password = text.split(/\r?\n/)[0] ?? '';
  if (password === '') throw new StartRefusal('standard input has no password');
  return password;
}

function print<T extends object>(options: Options, answer: T, lines: (answer: T) => string[]): void {
  process.stdout.write(
    options['json'] === true ? `${JSON.stringify(answer)}\n` : `${lines(answer).map(printable).join('\n')}\n`,
  );
}
