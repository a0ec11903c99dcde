import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientSet, type GoClient, goClients, isIn } from './catalog.ts';
import { command, complaint } from './command.ts';
import { clientsBin, isExecutable, locate } from './locate.ts';

const buildTimeoutMs = 8 * 60_000;
/** The largest of them compile the software kits of every cloud. */
const fullBuildTimeoutMs = 40 * 60_000;
const buildFlags = ['-p', '2', '-ldflags=-s -w'];

/**
 * Builds the Go clients that are not in the cache at their pinned version, one after the other (each build uses both
 * cores already). Returns why, per client, when that failed.
 */
export async function installGoClients(set: ClientSet, say: (line: string) => void): Promise<Map<string, string>> {
  await mkdir(clientsBin(), { recursive: true });
  const reasons = new Map<string, string>();
  for (const client of goClients.filter((each) => isIn(set, each))) {
    if (await hasPinnedVersion(client)) continue;
    if (locate('go') === undefined) {
      reasons.set(client.name, `${client.version} is not in the cache, and there is no go to build it`);
      continue;
    }
    say(`building ${client.name} ${client.version}`);
    const reason = await build(client);
    if (reason !== undefined) reasons.set(client.name, reason);
  }
  return reasons;
}

async function hasPinnedVersion(client: GoClient): Promise<boolean> {
  const program = join(clientsBin(), client.name);
  if (client.versionArgs === undefined) return isExecutable(program) && (await notedVersion(client)) === client.version;
  const told = await command(program, client.versionArgs, { timeoutMs: 20_000 });
  return told.code === 0 && told.stdout.includes(client.version.slice(1));
}

/** A program that cannot tell its version has it in a note beside it. */
function versionNote(client: GoClient): string {
  return join(clientsBin(), `.${client.name}.version`);
}

async function notedVersion(client: GoClient): Promise<string | undefined> {
  return readFile(versionNote(client), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function build(client: GoClient): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), `berth-build-${client.name}-`));
  try {
    return await (client.build === 'install' ? goInstall(client, folder) : buildModule(client, folder));
  } finally {
    await makeWritable(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

async function goInstall(client: GoClient, folder: string): Promise<string | undefined> {
  const built = await go(
    client,
    ['install', ...buildFlags, `${client.module}/${client.package}@${client.version}`],
    folder,
    {
      GOBIN: folder,
    },
  );
  return built.code === 0 ? keep(client, folder) : `go install failed: ${complaint(built)}`;
}

async function buildModule(client: GoClient, folder: string): Promise<string | undefined> {
  const download = await go(client, ['mod', 'download', '-json', `${client.module}@${client.version}`], folder);
  if (download.code !== 0) return `go mod download failed: ${complaint(download)}`;
  const { Dir: zip } = JSON.parse(download.stdout) as { Dir: string };
  const source = join(folder, 'source');
  await cp(zip, source, { recursive: true });
  await makeWritable(source);
  const out = join(folder, client.name);
  const built = await go(client, ['build', '-mod=mod', ...buildFlags, '-o', out, `./${client.package}`], source);
  return built.code === 0 ? keep(client, folder) : `go build failed: ${complaint(built)}`;
}

/** Moves a finished program into the cache in one step, so that a run beside this one never starts half a file. */
async function keep(client: GoClient, folder: string): Promise<undefined> {
  const arriving = join(clientsBin(), `.${client.name}.${process.pid}`);
  await cp(join(folder, client.name), arriving);
  // The note goes before and comes after: one beside another program would be believed.
  await rm(versionNote(client), { force: true });
  await rename(arriving, join(clientsBin(), client.name));
  if (client.versionArgs === undefined) await writeFile(versionNote(client), client.version);
}

function go(client: GoClient, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  return command('go', args, {
    cwd,
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', ...env },
    timeoutMs: client.full === true ? fullBuildTimeoutMs : buildTimeoutMs,
  });
}

/** Module zips unpack read-only, folders too: they can be neither built in nor removed as they are. */
async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await makeWritable(path);
    else if (entry.isFile()) await chmod(path, 0o755);
  }
}
