import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { debianClients, goClients, type PythonClient, pythonClients } from './catalog.ts';

/** Where clients made for the tests live between runs. */
export function clientsCache(): string {
  return process.env['BERTH_TEST_CLIENTS_CACHE'] ?? join(homedir(), '.cache', 'berth-clients');
}

/** The built ones among them. */
export function clientsBin(): string {
  return join(clientsCache(), 'bin');
}

/** The virtual environment of a Python client, whether or not it is there. */
export function environmentOf(client: PythonClient): string {
  return join(clientsCache(), `${client.package}-${client.version}`);
}

/**
 * The file that says that an environment is whole: an environment cannot be moved, so it is made where it stays, and
 * whoever is interrupted leaves half of one there.
 */
export function wholeMark(client: PythonClient): string {
  return join(environmentOf(client), '.whole');
}

/** The program of a Python client at its pinned version; undefined unless its environment is whole. */
export function locatePython(name: string): string | undefined {
  const client = pythonClients.find((each) => each.name === name);
  if (client === undefined) throw new Error(`"${name}" is no Python client that the tests know`);
  const program = join(environmentOf(client), 'bin', client.program);
  return readMark(client) === client.version && isExecutable(program) ? program : undefined;
}

function readMark(client: PythonClient): string | undefined {
  try {
    return readFileSync(wholeMark(client), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The search path of the tests: pinned builds first, then what the machine has, then root's folders. */
export function clientsPath(): string {
  return [clientsBin(), process.env['PATH'] ?? '', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].join(delimiter);
}

/** Absolute path of a program on the tests' search path. */
export function locate(program: string): string | undefined {
  return clientsPath()
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

/** Why the tests of a client cannot run here; undefined when they can. */
export function missingReason(name: string): string | undefined {
  const debian = debianClients.find((client) => client.name === name);
  if (debian !== undefined) {
    const absent = debian.programs.filter((program) => locate(program) === undefined);
    if (absent.length > 0) return `${absent.join(', ')} not found`;
    return refusedForRoot(debian);
  }
  if (pythonClients.some((client) => client.name === name)) {
    return locatePython(name) === undefined ? 'not in the cache' : undefined;
  }
  const go = goClients.find((client) => client.name === name);
  if (go === undefined) throw new Error(`"${name}" is no client that the tests know`);
  return locate(name) === undefined ? 'not found' : refusedForRoot(go);
}

function refusedForRoot(client: { readonly needsRoot?: true }): string | undefined {
  return client.needsRoot === true && process.getuid?.() !== 0 ? 'needs root to start its engine' : undefined;
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
