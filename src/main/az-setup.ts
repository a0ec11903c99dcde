import { lookup } from 'node:dns/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type AzInstance, askInstance } from './az-instance.ts';
import { findAz, hasCloud, runAz } from './az-program.ts';
import { type AzSetup, type AzWay, azLine, azSetup, setupLines } from './az-setup-lines.ts';
import { StartRefusal } from './start-refusal.ts';
import { type Authority, holdsAuthority, readAuthority } from './trust-places/authority.ts';
import { bundleFile, bundleText } from './trust-places/ca-variables.ts';
import { type Machine, thisMachine } from './trust-places/machine.ts';

type Options = Record<string, string | boolean | string[] | undefined>;

/** Adds `berth az-setup` to a command that has its common options already. */
export function addAzSetup(command: Command, folderOf: (options: Options) => string): void {
  command
    .description("print what points the user's az, Terraform and the SDKs at this Berth; a shell can evaluate it")
    .option('--run', 'run the commands of az; the variables are still to be set in the shell')
    .option('--direct', 'the names as they resolve, with the port')
    .option('--proxy', "through Berth's proxy on loopback; without either, whichever reaches the names from here")
    .action((options: Options) => setUp(options, folderOf(options)));
}

async function setUp(options: Options, folder: string): Promise<void> {
  const env = process.env;
  const machine = thisMachine({ env, home: homedir(), isRoot: false });
  const instance = await askInstance(folder);
  const authority = await readAuthority(folder);
  const { way, why } = await chooseWay(instance, options);
  const bundle = await keepBundle(machine, authority, folder);
  const setup = azSetup({
    instance,
    way,
    ca: { file: authority.file, bundle },
    isRegistered: await hasCloud(env['AZURE_CONFIG_DIR'] ?? join(homedir(), '.azure')),
  });
  const ran = options['run'] === true ? await runCommands(setup, env) : [];
  if (options['json'] === true) {
    process.stdout.write(`${JSON.stringify({ ...setup, ran: ran.map(azLine) })}\n`);
    return;
  }
  const left = { ...setup, commands: ran.length > 0 ? [] : setup.commands };
  process.stdout.write(`${setupLines(left, why).join('\n')}\n`);
}

/** The way that was asked for, or that which works from this machine, and why it is this one. */
async function chooseWay(instance: AzInstance, options: Options): Promise<{ way: AzWay; why: string }> {
  const { hostname } = new URL(instance.direct.management);
  if (options['direct'] === true && options['proxy'] === true) {
    throw new StartRefusal('give --direct or --proxy, not both');
  }
  if (options['proxy'] === true && instance.proxy === null) {
    throw new StartRefusal('the proxy of this Berth is off; proxy.listen turns it on');
  }
  if (options['direct'] === true) return { way: 'direct', why: 'directly, as asked for' };
  if (options['proxy'] === true) return { way: 'proxy', why: 'through its proxy, as asked for' };
  const resolves = await lookup(hostname).then(
    () => true,
    () => false,
  );
  if (resolves) return { way: 'direct', why: `directly, because ${hostname} resolves here` };
  if (instance.proxy !== null) {
    return { way: 'proxy', why: `through its proxy, because ${hostname} does not resolve here` };
  }
  return { way: 'direct', why: `${hostname} does not resolve here: give it an entry in DNS or the hosts file first` };
}

/** A bundle that was made from another one stays: made anew from itself it would lose what the other held. */
async function keepBundle(machine: Machine, authority: Authority, folder: string): Promise<string> {
  const path = bundleFile(folder);
  const isOurs = machine.env['REQUESTS_CA_BUNDLE'] === path;
  if (isOurs && holdsAuthority(await machine.read(path), authority)) return path;
  await machine.perform({ kind: 'write', path, text: await bundleText(machine, authority, folder) });
  return path;
}

/** Runs the commands, and the sign-in where somebody can answer it. Answers those that were run. */
async function runCommands(setup: AzSetup, env: NodeJS.ProcessEnv): Promise<(readonly string[])[]> {
  const az = await findAz(env);
  const commands = [...setup.commands, ...(process.stdin.isTTY ? [setup.login] : [])];
  for (const args of commands) {
    const code = await runAz(az, args, { ...env, ...setup.environment });
    if (code !== 0) throw new StartRefusal(`${azLine(args)} ended with ${code}`);
  }
  return commands;
}
