import { realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type ClientSet, debianClients, goClients, isIn, jibVersion, pythonClients } from './catalog.ts';
import { command } from './command.ts';
import { clientsPath, isExecutable, missingReason } from './locate.ts';

/** Every program of this name on the tests' search path, for instance docker's and Debian's docker. */
export function everyProgram(name: string): string[] {
  return programsOn(clientsPath(), name);
}

/** Every program of this name on a search path; one that several links lead to is there once. */
export function programsOn(path: string, name: string): string[] {
  const found = path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .filter(isExecutable);
  return [...new Set(found.map((file) => realpathSync(file)))].toSorted();
}

/** What the clients of a set say that they are, one line each: `podman 4.3.1`. Those that are missing are left out. */
export async function clientVersions(set: ClientSet): Promise<string[]> {
  const lines: string[] = [];
  for (const client of debianClients) {
    if (!isIn(set, client) || missingReason(client.name) !== undefined) continue;
    for (const program of everyProgram(client.programs[0] ?? client.name)) {
      const { stdout, stderr } = await command(program, client.versionArgs, { timeoutMs: 20_000 });
      const version = /[0-9]+\.[0-9]+[0-9A-Za-z.~+-]*/.exec(`${stdout}${stderr}`)?.[0];
      lines.push(`${client.name} ${version ?? '(tells no version)'}`);
    }
    if (client.name === 'maven') lines.push(`jib-maven-plugin ${jibVersion}`);
  }
  for (const client of [...goClients, ...pythonClients]) {
    if (isIn(set, client) && missingReason(client.name) === undefined) {
      lines.push(`${client.name} ${client.version.replace(/^v/, '')}`);
    }
  }
  return [...new Set(lines)];
}
