import { commandRows, operationRows, type Row, type Sections } from './facts.ts';

const titles: Readonly<Record<string, string>> = {
  'Azure.ContainerRegistry': 'the content of a registry',
};

/** The page about what of Azure works: every command of az in scope and every operation of the contracts. */
export async function compatibilityPage(root: string, notice: string): Promise<string> {
  const [commands, operations] = [await commandRows(root), await operationRows(root)];
  return [
    notice,
    '',
    '# Compatibility',
    '',
    'What of Azure this version has, one by one. *Works*: a test does it and reads back what it did; the test is named.',
    '*Refused*: the answer says what is not there, in the words that stand here, and a test reads those. Nothing is taken',
    'in and ignored.',
    '',
    '## az 2.91.0',
    '',
    'The commands of az that are about registries, identities, roles and what stands around them',
    '(`contracts/az-commands.txt`, from az itself), run unmodified by `npm run test:azure`. A command that works may still',
    'have options that are refused by name, as `az acr identity assign` takes the identity of the system and no other.',
    '',
    ...tables(
      commands,
      (group) => `az ${group}`,
      (name) => `az ${name}`,
    ),
    '## Operations',
    '',
    'Every operation that an API description has (`contracts/operations`). The versions of an API are one here: any version',
    'that the description or a client has is taken.',
    '',
    ...tables(
      operations,
      (namespace) => (titles[namespace] === undefined ? namespace : `${namespace}: ${titles[namespace]}`),
      (name) => name,
    ),
  ].join('\n');
}

function tables(sections: Sections, titleOf: (key: string) => string, textOf: (name: string) => string): string[] {
  return [...sections].flatMap(([key, rows]) => [
    `### ${titleOf(key)}`,
    '',
    `${count(rows, 'works')} of ${rows.length} work.`,
    '',
    '| | | |',
    '|---|---|---|',
    ...rows.map((row) => `| \`${textOf(row.name)}\` | ${row.verdict} | ${detailOf(row)} |`),
    '',
  ]);
}

function count(rows: readonly Row[], verdict: string): number {
  return rows.filter((row) => row.verdict.startsWith(verdict)).length;
}

function detailOf({ verdict, says, tests }: Row): string {
  const told = says.replaceAll('|', '\\|');
  if (!verdict.startsWith('works')) return told;
  return [...(told === '' ? [] : [told]), tests.join(', ')].join('; ');
}
