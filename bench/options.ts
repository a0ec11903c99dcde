import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { contenderNames } from './contenders.ts';
import { type FigureRowName, figureRowNames } from './figures.ts';
import { type Row, rows } from './rows.ts';

/** What one run does. */
export interface Options {
  readonly contenders: readonly (typeof contenderNames)[number][];
  readonly rows: readonly Row[];
  readonly figureRows: readonly FigureRowName[];
  readonly rounds: number;
  /** Length of one measurement, except in rows of a fixed number of operations. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Everything small and short: does it run? */
  readonly quick: boolean;
  readonly jsonFile: string | undefined;
  /** Folder in which the run makes its own temporary one. */
  readonly parentFolder: string;
}

const rowNames: readonly string[] = [...rows.map(({ name }) => name), ...figureRowNames];
const defaultContenders = 'berth,distribution,berth-pg';

export const usage = `npm run bench -- [options]

  --rounds N             measured rounds per row, after one warm-up round (default 5, at most 50)
  --rows NAME,NAME       only these rows: ${rowNames.join(', ')}
  --seconds S            length of one measurement (default 2, at most 30)
  --quick                one short round per row, a small big folder: does it run? Not for numbers
  --json FILE            also write everything measured as JSON
  --contenders NAME,NAME who runs: ${contenderNames.join(', ')} (default ${defaultContenders});
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
      contenders: { type: 'string', default: defaultContenders },
      dir: { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const seconds = numberIn('--seconds', values.seconds ?? (values.quick ? '1' : '2'), 0.2, 30);
  const rounds = numberIn('--rounds', values.rounds ?? (values.quick ? '1' : '5'), 1, 50);
  if (!Number.isInteger(rounds)) throw new Error(`--rounds takes a whole number, not ${rounds}`);
  const names = (values.rows?.split(',') ?? rowNames).map((name) => pick('--rows', rowNames, name));
  return {
    contenders: values.contenders.split(',').map((name) => pick('--contenders', contenderNames, name)),
    rows: rows.filter(({ name }) => names.includes(name)),
    figureRows: figureRowNames.filter((name) => names.includes(name)),
    rounds,
    seconds,
    warmUpSeconds: Math.min(seconds, 1),
    quick: values.quick,
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
