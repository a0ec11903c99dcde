import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientSet, isIn, type PythonClient, pythonClients } from './catalog.ts';
import { command, complaint } from './command.ts';
import { clientsCache, environmentOf, locate, locatePython, wholeMark } from './locate.ts';

const installTimeoutMs = 15 * 60_000;

/**
 * Makes the virtual environments of the Python clients that are not whole in the cache. Returns why, per client, when
 * that failed.
 */
export async function installPythonClients(set: ClientSet, say: (line: string) => void): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  for (const client of pythonClients) {
    if (!isIn(set, client) || locatePython(client.name) !== undefined) continue;
    const python = locate('python3');
    if (python === undefined) {
      reasons.set(client.name, `${client.version} is not in the cache, and there is no python3 to install it`);
      continue;
    }
    say(`installing ${client.package} ${client.version} into a virtual environment`);
    const reason = await makeEnvironment(client, python);
    if (reason !== undefined) reasons.set(client.name, reason);
  }
  return reasons;
}

async function makeEnvironment(client: PythonClient, python: string): Promise<string | undefined> {
  const folder = environmentOf(client);
  await mkdir(clientsCache(), { recursive: true });
  // The mark goes before everything: what is emptied now must not be believed if this ends in the middle.
  await rm(wholeMark(client), { force: true });
  const made = await command(python, ['-m', 'venv', '--clear', folder], { timeoutMs: installTimeoutMs });
  if (made.code !== 0) return `python3 -m venv failed: ${complaint(made)}`;
  const installed = await command(
    join(folder, 'bin', 'python'),
    ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `${client.package}==${client.version}`],
    { timeoutMs: installTimeoutMs },
  );
  if (installed.code !== 0) return `pip install failed: ${complaint(installed)}`;
  const program = join(folder, 'bin', client.program);
  const told = await command(program, client.versionArgs, {
    timeoutMs: 120_000,
    // What it writes about itself is none of the user's.
    env: { ...process.env, AZURE_CONFIG_DIR: join(folder, 'first-run') },
  });
  if (told.code !== 0 || !told.stdout.includes(`"${client.version}"`)) {
    return `${program} does not say that it is ${client.version}: ${complaint(told)}`;
  }
  await writeFile(wholeMark(client), client.version);
  return undefined;
}
