import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { debianClients, goClients } from './catalog.ts';

/** Where clients built for the tests live between runs. */
export function clientsBin(): string {
  return join(process.env['BERTH_TEST_CLIENTS_CACHE'] ?? join(homedir(), '.cache', 'berth-clients'), 'bin');
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
