import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { programVersion } from './app.ts';
import { type AzInstance, askInstance } from './az-instance.ts';
import { askAz, findAz, hasCloud, runAz } from './az-program.ts';
import { azSetup, cloudName } from './az-setup-lines.ts';
import { writeDurably } from './durable-file.ts';
import { StartRefusal } from './start-refusal.ts';
import { type Authority, readAuthority } from './trust-places/authority.ts';

type Options = Record<string, string | boolean | string[] | undefined>;

/** Adds `berth az`. What follows its own options is az's. */
export function addAz(berth: Command, folderOf: (options: Options) => string): void {
  berth
    .command('az')
    .description(
      "run the user's az on this Berth, with a configuration of its own; nothing else on the machine changes",
    )
    .usage('[options] [--] <command of az>')
    .argument('[args...]', 'command and options of az')
    .option('--data <FOLDER>', 'data folder of the server')
    .passThroughOptions()
    .action(async (args: string[], options: Options) => {
      const folder = folderOf(options);
      const [instance, authority] = await Promise.all([askInstance(folder), readAuthority(folder)]);
      const az = await findAz(process.env);
      const env = azEnvironment(instance, authority, { folder, env: process.env });
      await prepareConfig(az, env, await settingsOf(instance, authority, configFolder(folder)));
      process.exitCode = await runAz(az, args, env);
    });
}

/** Where az keeps sign-ins and its settings for this Berth; closed to others, as the data folder is. */
export function configFolder(folder: string): string {
  return join(folder, 'az');
}

/** Variables of the user's that would lead az elsewhere. */
const misleading = ['ARM_CLOUD_METADATA_URL', 'AZURE_CLOUD_NAME', 'ALL_PROXY', 'all_proxy', 'CURL_CA_BUNDLE'];

/**
 * The environment of az: everything goes through the proxy, which leads to Berth only, so Berth's authority is all that is
 * to be trusted. Throws a StartRefusal when the proxy is off.
 */
export function azEnvironment(
  instance: AzInstance,
  authority: Authority,
  options: { folder: string; env: NodeJS.ProcessEnv },
): NodeJS.ProcessEnv {
  if (instance.proxy === null) {
    throw new StartRefusal(
      'berth az goes through the proxy of Berth, which is off; proxy.listen turns it on, and `berth az-setup` needs none',
    );
  }
  const ca = { file: authority.file, bundle: authority.file };
  const { environment } = azSetup({ instance, way: 'proxy', ca, isRegistered: false });
  return {
    ...Object.fromEntries(Object.entries(options.env).filter(([name]) => !misleading.includes(name))),
    ...environment,
    AZURE_CONFIG_DIR: configFolder(options.folder),
    // Settings that an environment of the user's must not turn around.
    AZURE_CORE_INSTANCE_DISCOVERY: 'false',
    AZURE_CORE_COLLECT_TELEMETRY: 'no',
  };
}

/** What the configuration folder was prepared for; another one of these prepares it anew. */
interface Prepared {
  readonly version: string;
  readonly management: string;
  readonly authority: string;
}

interface Settings {
  readonly folder: string;
  readonly wanted: Prepared;
  readonly isRegistered: boolean;
}

async function settingsOf(instance: AzInstance, authority: Authority, folder: string): Promise<Settings> {
  const management = (instance.proxy?.planes ?? instance.direct).management;
  return {
    folder,
    wanted: { version: programVersion, management, authority: authority.sha256 },
    isRegistered: await hasCloud(folder),
  };
}

/** Registers the cloud on first use, and again when names, authority or Berth are others than they were. */
async function prepareConfig(az: string, env: NodeJS.ProcessEnv, settings: Settings): Promise<void> {
  const { folder, wanted, isRegistered } = settings;
  const note = join(folder, 'berth.json');
  const text = `${JSON.stringify(wanted)}\n`;
  if ((await readOptional(note)) === text && isRegistered) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const register = (verb: 'register' | 'update') =>
    askAz(
      az,
      ['cloud', verb, '--name', cloudName, '--endpoint-resource-manager', wanted.management, '--only-show-errors'],
      env,
    );
  let done = await register(isRegistered ? 'update' : 'register');
  // Another `berth az` may have been first.
  if (done.code !== 0 && !isRegistered && (await hasCloud(folder))) done = await register('update');
  for (const args of [
    ['cloud', 'set', '--name', cloudName, '--only-show-errors'],
    ['config', 'set', ...quietSettings, '--only-show-errors'],
  ]) {
    if (done.code === 0) done = await askAz(az, args, env);
  }
  if (done.code !== 0) {
    throw new StartRefusal(`az could not be pointed at ${wanted.management}: ${done.said.replaceAll('\n', ' ')}`);
  }
  await writeDurably(note, text);
}

/** What az would otherwise look for on the network: a proxy that leads to Berth only would let it wait. */
const quietSettings = [
  'core.instance_discovery=false',
  'core.collect_telemetry=no',
  'auto-upgrade.enable=no',
  'extension.use_dynamic_install=no',
];

function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
