import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandsNotRun, localCommands } from '../../test/azure/_local-commands.ts';
import { refusedCommands } from '../../test/azure/_refused-commands.ts';
import { contentRoutes } from '../../test/compatibility/_content-effects.ts';
import { armEffects, contentEffects } from '../../test/compatibility/_effects.ts';
import { servedRefusals } from '../../test/compatibility/_refusals.ts';
import { described } from '../../test/compatibility/_served.ts';
import { commandOf, commandsRun } from './az-coverage.ts';

/** What became of one operation or command. */
export interface Row {
  readonly name: string;
  readonly verdict: 'works' | 'works, on this machine' | 'refused' | 'not run';
  /** What the answer says where it is refused, or why nothing runs it. */
  readonly says: string;
  /** The tests that read it back, or the one that is refused. */
  readonly tests: readonly string[];
}

/** Rows by what they stand under: a namespace, or the first words of commands. */
export type Sections = ReadonlyMap<string, readonly Row[]>;

const operationsTest = 'test/compatibility/operations.test.ts';
const refusedTest = 'test/azure/refused.test.ts';

/** Every operation of the contracts. Throws for one that is served and that no test reads back. */
export async function operationRows(root: string): Promise<Sections> {
  const sections = new Map<string, Row[]>();
  const add = (namespace: string, row: Row): void => {
    sections.set(namespace, [...(sections.get(namespace) ?? []), row]);
  };
  for (const { key, operation, handler } of described) {
    const { id: name, namespace, sameAs } = operation;
    const refusal = servedRefusals[key];
    if (sameAs !== undefined) continue;
    if (handler !== undefined && refusal === undefined && armEffects[key] === undefined) {
      throw new Error(`${key} is served, and no test reads back what it does`);
    }
    const told =
      refusal === undefined
        ? `400 FeatureNotSupported: ${namespace} ${name} is not there yet`
        : `${refusal.status} ${refusal.code}: ${refusal.because}`;
    const works = handler !== undefined && refusal === undefined;
    const row: Row = { name, verdict: works ? 'works' : 'refused', says: works ? '' : told, tests: [operationsTest] };
    add(namespace, row);
  }
  for (const { operation } of described.filter((one) => one.operation.sameAs !== undefined)) {
    const { id, namespace, sameAs = '' } = operation;
    const same = sections.get(namespace)?.find((row) => row.name === sameAs);
    if (same === undefined) throw new Error(`${id} is ${sameAs}, which there is not`);
    add(namespace, { ...same, name: id, says: `the same request as ${sameAs}` });
  }
  const content = JSON.parse(
    await readFile(join(root, 'contracts/operations/Azure.ContainerRegistry.json'), 'utf8'),
  ) as { namespace: string; operations: { id: string }[] };
  for (const { id } of content.operations) {
    const served = contentRoutes[id] !== undefined;
    if (!served || contentEffects[id] === undefined) throw new Error(`${id} has no route, or no test reads it back`);
    add(content.namespace, { name: id, verdict: 'works', says: '', tests: [operationsTest] });
  }
  for (const rows of sections.values()) rows.sort((left, right) => (left.name < right.name ? -1 : 1));
  return sections;
}

/** Every command of az that is in scope. Throws for one of which nothing is known, or two things. */
export async function commandRows(root: string): Promise<Sections> {
  const names = (await readFile(join(root, 'contracts/az-commands.txt'), 'utf8')).trim().split('\n');
  const known = new Set(names);
  const run = await testsByCommand(root, known);
  const refused = new Map(refusedCommands.map(([line, says]) => [commandOf(line, known), says]));
  const sections = new Map<string, Row[]>();
  for (const name of names) {
    const row = commandRow(name, { tests: run.get(name), refused: refused.get(name), notRun: commandsNotRun[name] });
    const [group = ''] = name.split(' ');
    sections.set(group, [...(sections.get(group) ?? []), row]);
  }
  return sections;
}

/** What becomes of a command by what is known of it. Throws where that is nothing, or more than one thing. */
export function commandRow(
  name: string,
  known: { tests: readonly string[] | undefined; refused: string | undefined; notRun: string | undefined },
): Row {
  const { tests, refused, notRun } = known;
  if ([tests, refused, notRun].filter((one) => one !== undefined).length !== 1) {
    throw new Error(
      `az ${name}: one thing has to be known of it, that a test of test/azure runs it with success, or the answer in ` +
        '_refused-commands.ts, or why nothing runs it in _local-commands.ts',
    );
  }
  if (tests !== undefined) {
    return { name, verdict: localCommands.has(name) ? 'works, on this machine' : 'works', says: '', tests };
  }
  if (notRun !== undefined) return { name, verdict: 'not run', says: notRun, tests: [] };
  const says = /^Microsoft\.\w+ \w+$/.test(refused ?? '') ? `${refused} is not there yet` : (refused ?? '');
  return { name, verdict: 'refused', says, tests: [refusedTest] };
}

async function testsByCommand(root: string, known: ReadonlySet<string>): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const folder = 'test/azure';
  const files = (await readdir(join(root, folder))).filter((file) => file.endsWith('.test.ts')).toSorted();
  for (const file of files) {
    const path = `${folder}/${file}`;
    // What the test of refusals makes for itself, it does not look at.
    if (path === refusedTest) continue;
    for (const name of commandsRun(await readFile(join(root, path), 'utf8'), known)) {
      found.set(name, [...(found.get(name) ?? []), path]);
    }
  }
  return found;
}
