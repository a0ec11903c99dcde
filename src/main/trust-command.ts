import { homedir } from 'node:os';
import type { Command } from 'commander';
import { askInstance } from './az-instance.ts';
import { askServer } from './management-client.ts';
import { planeLabels } from './planes-by-host.ts';
import { StartRefusal } from './start-refusal.ts';
import { type Authority, readAuthority } from './trust-places/authority.ts';
import { bundleFile, bundleText, caVariables, variableLines } from './trust-places/ca-variables.ts';
import { carryOut, type TrustLine } from './trust-places/carry-out.ts';
import { containersCerts, dockerCerts } from './trust-places/certs-d.ts';
import { hostsFile } from './trust-places/hosts-file.ts';
import type { KnownHosts } from './trust-places/known-hosts.ts';
import { type Machine, thisMachine } from './trust-places/machine.ts';
import { nssDatabases } from './trust-places/nss.ts';
import { quoted, type StoreName, storeNames, type TrustPlace } from './trust-places/place.ts';
import { systemStore } from './trust-places/system-store.ts';

type Options = Record<string, string | boolean | string[] | undefined>;

/** Adds `berth trust` to a command that has its common options already. */
export function addTrust(command: Command, folderOf: (options: Options) => string): void {
  command
    .description('make clients on this machine trust the authority; the output can be evaluated by a shell')
    .option('--undo', 'remove it again, from every place where it is')
    .option('--system', 'only the store of the system, and others that are named')
    .option('--nss', 'only the databases of Chromium and Firefox, and others that are named')
    .option('--docker', "only docker's certs.d, and others that are named")
    .option('--containers', 'only the certs.d of podman, buildah and skopeo, and others that are named')
    .option('--hosts', 'only the entries of the hosts file, and others that are named; nothing adds them unasked')
    .option('--user', 'leave alone what belongs to the whole machine, also as root')
    .option('--dry-run', 'say what would be done, and do nothing')
    .action((options: Options) => trust(options, folderOf(options)));
}

async function trust(options: Options, folder: string): Promise<void> {
  // What is made here is for every client to read: certificates, and the folders around them.
  process.umask(0o022);
  const undo = options['undo'] === true;
  const dryRun = options['dryRun'] === true;
  const userOnly = options['user'] === true;
  const machine = thisMachine({
    env: process.env,
    home: homedir(),
    isRoot: process.getuid?.() === 0 && !userOnly,
  });
  const authority = await readAuthority(folder);
  const server = undo ? null : await askForHosts(folder);
  const known: KnownHosts = {
    authority,
    hosts: server?.hosts ?? [],
    unknown: server?.unknown ?? null,
  };
  const named = storeNames.filter((store) => options[store] === true);
  const places = await placesOf(
    machine,
    { ...known, planes: server?.planes ?? [] },
    named.length > 0 ? named : storesByDefault(undo),
  );
  const lines = await carryOut(machine, userOnly ? places.filter((place) => place.scope === 'user') : places, {
    action: undo ? 'remove' : 'add',
    dryRun,
    asRoot: (store) => `sudo berth trust --${store}${undo ? ' --undo' : ''} --data ${quoted(folder)}`,
  });
  if (!dryRun) await keepBundle(machine, authority, { folder, undo });
  const variables = caVariables(authority, folder);
  const answer = { authority: { file: authority.file, sha256: authority.sha256 }, stores: lines };
  if (options['json'] === true) {
    process.stdout.write(`${JSON.stringify({ ...answer, variables: undo || dryRun ? null : variables })}\n`);
  } else {
    const shown = lines.flatMap((line) => linesOf(line, { steps: dryRun }));
    const proxy = server?.proxy === undefined ? [] : [`# where the names do not resolve: HTTPS_PROXY=${server.proxy}`];
    const set = dryRun ? [] : variableLines(variables, { platform: machine.platform, undo });
    process.stdout.write(`${[...shown, ...proxy, ...set].join('\n')}\n`);
  }
  if (hasFailed(lines, { undo, wasNamed: named.length > 0 })) process.exitCode = 1;
}

/** A place that was named, or holds the authority after an undo, is not passed over quietly. */
function hasFailed(lines: readonly TrustLine[], options: { undo: boolean; wasNamed: boolean }): boolean {
  return lines.some(
    ({ outcome, pending }) =>
      outcome === 'failed' || (outcome === 'skipped' && (options.wasNamed || (options.undo && pending))),
  );
}

function storesByDefault(undo: boolean): readonly StoreName[] {
  return undo ? storeNames : storeNames.filter((store) => store !== 'hosts');
}

async function placesOf(
  machine: Machine,
  known: KnownHosts & { readonly planes: readonly string[] },
  stores: readonly StoreName[],
): Promise<TrustPlace[]> {
  const finders: Readonly<Record<StoreName, () => Promise<TrustPlace[]>>> = {
    system: () => systemStore(machine, known.authority),
    nss: () => nssDatabases(machine, known.authority),
    docker: () => dockerCerts(machine, known),
    containers: () => containersCerts(machine, known),
    hosts: async () => [hostsFile(machine, { ...known, hosts: [...known.hosts, ...known.planes] })],
  };
  return (await Promise.all(stores.map((store) => finders[store]()))).flat();
}

interface ServerAnswer {
  readonly hosts: readonly string[];
  /** Where az and the SDKs go besides registries; no client keeps certificates for these by name. */
  readonly planes: readonly string[];
  readonly unknown: string | null;
  readonly proxy?: string;
}

/** The login servers of all registries and the hosts of the planes, as the running server knows them. */
async function askForHosts(folder: string): Promise<ServerAnswer> {
  try {
    const instance = await askInstance(folder);
    const planes = Object.keys(planeLabels).map((label) => `${label}.${instance.domain}`);
    const hosts: string[] = [];
    for (let last = ''; ; ) {
      const { registries } = (await askServer(folder, 'GET', `/registries?last=${encodeURIComponent(last)}`)) as {
        registries: readonly { name: string; loginServer: string }[];
      };
      for (const { loginServer } of registries) hosts.push(loginServer, loginServer.replace(/:[0-9]+$/, ''));
      const next = registries.at(-1)?.name;
      if (next === undefined) break;
      last = next;
    }
    const { proxy } = instance;
    return { hosts: [...new Set(hosts)], planes, unknown: null, ...(proxy === null ? {} : { proxy: proxy.url }) };
  } catch (error) {
    // Stores that need no names have their turn all the same.
    if (error instanceof StartRefusal)
      return { hosts: [], planes: [], unknown: `its registries are not known: ${error.message}` };
    throw error;
  }
}

async function keepBundle(
  machine: Machine,
  authority: Authority,
  { folder, undo }: { folder: string; undo: boolean },
): Promise<void> {
  const path = bundleFile(folder);
  if (undo) return machine.perform({ kind: 'remove', path, emptyFolders: [] });
  await machine.perform({ kind: 'write', path, text: await bundleText(machine, authority, folder) });
}

function linesOf(line: TrustLine, options: { steps: boolean }): string[] {
  const head = `# ${line.store.padEnd(11)} ${line.outcome.padEnd(12)} ${line.where}`.trimEnd();
  const reason = line.reason === null ? '' : `${line.where === '' ? '  ' : ': '}${line.reason.replaceAll('\n', ' ')}`;
  return [`${head}${reason}`, ...(options.steps ? line.steps.map((step) => `#   ${step}`) : [])];
}
