import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { type ContenderName, contenderNames } from './contenders.ts';
import { type Row, rows } from './rows.ts';

/** What one run does. */
export interface Options {
  readonly contenders: readonly ContenderName[];
  readonly rows: readonly Row[];
  readonly rounds: number;
  /** Length of one measurement, except in rows of a fixed number of operations. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly jsonFile: string | undefined;
  /** Folder in which the run makes its own temporary one. */
  readonly parentFolder: string;
}

export const usage = `npm run bench -- [options]

  --rounds N             measured rounds per row, after one warm-up round (default 3, at most 50)
  --rows NAME,NAME       only these rows: ${rows.map((row) => row.name).join(', ')}
  --seconds S            length of one measurement (default 2, at most 30)
  --quick                one short round per row: does it run? Not for numbers
  --json FILE            also write everything measured as JSON
  --contenders NAME,NAME who runs: ${contenderNames.join(', ')} (default berth,distribution);
                         distribution-again,distribution shows how far equal servers come out apart
  --dir FOLDER           where the data goes, on the disk to be measured (default: the system's temporary folder)
  --help
`;

/** Reads the command line; undefined when help was asked for. Throws on what it does not know. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      rows: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      contenders: { type: 'string', default: 'berth,distribution' },
      dir: { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const seconds = numberIn('--seconds', values.seconds ?? (values.quick ? '1' : '2'), 0.2, 30);
  const rounds = numberIn('--rounds', values.rounds ?? (values.quick ? '1' : '3'), 1, 50);
  if (!Number.isInteger(rounds)) throw new Error(`--rounds takes a whole number, not ${rounds}`);
  const names = values.rows?.split(',') ?? rows.map((row) => row.name);
  return {
    contenders: values.contenders.split(',').map((name) => pick('--contenders', contenderNames, name)),
    rows: names
      .map((name) => {
        const known = pick(
          '--rows',
          rows.map((row) => row.name),
          name,
        );
        return rows.filter((row) => row.name === known);
      })
      .flat(),
    rounds,
    seconds,
    warmUpSeconds: Math.min(seconds, 1),
    jsonFile: values.json,
    parentFolder: values.dir,
  };
}

function numberIn(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most))
    throw new Error(`${option} takes a number from ${least} to ${most}, not "${text}"`);
  return value;
}

function pick<Name extends string>(option: string, names: readonly Name[], asked: string): Name {
  const found = names.find((name) => name === asked);
  if (found === undefined) throw new Error(`${option} does not know "${asked}"; it knows ${names.join(', ')}`);
  return found;
}
