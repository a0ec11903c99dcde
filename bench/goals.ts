import type { Figure } from './figures.ts';
import type { Machine } from './machine.ts';
import type { ReportRow } from './report.ts';

/** What a run says about one goal. */
export interface GoalResult {
  readonly row: string;
  readonly goal: string;
  /** A median; null when it was not measured. */
  readonly measured: number | null;
  /** Null where there is no goal and the number is only to be stated. */
  readonly limit: number | null;
  /** `not judged` where this machine cannot show it, `not measured` where the run did not. */
  readonly verdict: 'met' | 'missed' | 'stated' | 'not measured' | 'not judged';
  readonly note?: string;
}

/** What the goals are held against. */
export interface Measured {
  readonly rows: readonly ReportRow[];
  readonly figures: readonly Figure[];
  readonly machine: Machine;
}

type Kind = 'rate' | 'cpu' | 'p99';

interface Goal {
  readonly row: string;
  readonly text: string;
  readonly limit: number | null;
  readonly atLeast: boolean;
  readonly value: (measured: Measured) => number | undefined;
  /** Why this machine cannot judge it. */
  readonly unjudged?: (machine: Machine) => string | undefined;
}

/** Processes that the workers row keeps busy: two workers and two generators. */
const coresForWorkers = 4;

const atMost = (row: string, kind: Kind, limit: number): Goal => ({
  row,
  text: `${kind === 'cpu' ? 'CPU' : kind} ratio to distribution ≤ ${limit}`,
  limit,
  atLeast: false,
  value: ratioOf(row, 'berth', kind),
});

const rateAtLeast = (row: string, limit: number): Goal => ({
  row,
  text: `rate ratio to distribution ≥ ${limit}`,
  limit,
  atLeast: true,
  value: ratioOf(row, 'berth', 'rate'),
});

const statedOnPostgres = (row: string, kind: Kind): Goal => ({
  row,
  text: `on PostgreSQL: ${kind === 'cpu' ? 'CPU' : kind} ratio to distribution`,
  limit: null,
  atLeast: false,
  value: ratioOf(row, 'berth-pg', kind),
});

/** Both rows of one round stand some minutes apart, so it is their medians that are compared. */
const oneAsFastAsSpread = (side: 'berth' | 'berth-pg'): Goal => ({
  row: 'image-push-one',
  text: `${side === 'berth' ? '' : 'on PostgreSQL: '}rate ≥ 0.9 of image-push-spread`,
  limit: 0.9,
  atLeast: true,
  value: ({ rows }) => {
    const [one, spread] = ['image-push-one', 'image-push-spread'].map(
      (name) => rows.find((row) => row.name === name)?.sides.find((each) => each.name === side)?.rate,
    );
    return one === undefined || spread === undefined ? undefined : one / spread;
  },
});

const figureAtMost = (name: string, { text, limit, unit }: { text: string; limit: number; unit: string }): Goal => ({
  row: name.split('/')[0] ?? name,
  text: `${text} ≤ ${limit}${unit === '' ? '' : ` ${unit}`}`,
  limit,
  atLeast: false,
  value: ({ figures }) => figures.find((each) => each.name === name && each.side === 'berth')?.median,
});

const figureStated = (name: string, text: string): Goal => ({
  row: name.split('/')[0] ?? name,
  text,
  limit: null,
  atLeast: false,
  value: ({ figures }) => figures.find((each) => each.name === name)?.median,
});

const pageGoals = (row: string): Goal[] => [
  ...['first', 'middle', 'last'].flatMap((position) => [
    figureAtMost(`${row}/${position}/cpu`, { text: `${position}: CPU per request`, limit: 1, unit: 'ms' }),
    figureAtMost(`${row}/${position}/log`, { text: `${position}: ms in the access log`, limit: 1, unit: 'ms' }),
  ]),
  // Equal servers come out 1.1 to 1.2 apart on a busy machine; a scan would be tens.
  figureAtMost(`${row}/same`, { text: 'dearest position over cheapest (CPU)', limit: 1.5, unit: '' }),
];

/** Every goal, in the order of the report. Not judged here: what a number means on a busy machine. */
export const goals: readonly Goal[] = [
  ...['manifest-tag', 'manifest-digest'].flatMap((row) => [
    atMost(row, 'cpu', 0.12),
    atMost(row, 'p99', 0.3),
    statedOnPostgres(row, 'cpu'),
    statedOnPostgres(row, 'p99'),
  ]),
  atMost('blob-get-200m', 'cpu', 0.7),
  atMost('blob-get-10m', 'cpu', 0.65),
  atMost('blob-get-200m-tls', 'cpu', 0.7),
  atMost('blob-upload-200m', 'cpu', 1),
  atMost('blob-upload-200m-tls', 'cpu', 1.15),
  rateAtLeast('blob-push-4k', 5),
  atMost('blob-push-4k', 'cpu', 0.2),
  rateAtLeast('image-push-one', 4),
  rateAtLeast('image-push-spread', 4),
  oneAsFastAsSpread('berth'),
  oneAsFastAsSpread('berth-pg'),
  ...pageGoals('tags-page'),
  ...pageGoals('catalog-page'),
  ...pageGoals('catalog-scoped'),
  figureAtMost('start/command', { text: 'spawn to first answer, bin/berth', limit: 500, unit: 'ms' }),
  figureAtMost('start/program', { text: 'spawn to first answer, built program', limit: 500, unit: 'ms' }),
  figureAtMost('idle/rss', { text: 'resident memory', limit: 120, unit: 'MB' }),
  figureAtMost('exchange/exchange/cpu', { text: 'CPU of a refresh exchange', limit: 1.5, unit: 'ms' }),
  figureStated('exchange/refresh/cpu', 'CPU ms of an access token by a refresh token'),
  figureStated('exchange/signature/cpu', 'CPU ms of one RS256 signature, which each of the two makes'),
  figureAtMost('arm/registry/log', { text: 'GET of a registry: ms in the access log', limit: 1, unit: 'ms' }),
  figureStated('arm/find-owner/log', 'every page of [find] for the Owner: ms in the access log'),
  figureStated('arm/find-lone/log', '[find] for who has one registry: ms in the access log'),
  figureStated('arm/subscriptions/log', 'GET /subscriptions: ms in the access log'),
  figureStated('arm/assign/log', 'PUT of a role assignment: ms in the access log'),
  figureAtMost('permission-checks/again/ratio', {
    text: 'manifest GET with roles over that of the admin (CPU)',
    limit: 1.05,
    unit: '',
  }),
  figureStated('permission-checks/once/ratio', 'the same for manifests that nobody asked for before'),
  {
    row: 'blob-get-200m-workers',
    text: 'rate of two workers ≥ 1.6 of one',
    limit: 1.6,
    atLeast: true,
    value: ratioOf('blob-get-200m-workers', 'berth-2-workers', 'rate'),
    unjudged: ({ cores }) =>
      cores < coresForWorkers ? `${cores} cores; two workers and two generators want ${coresForWorkers}` : undefined,
  },
];

/** Holds the goals of the rows that were asked for against what was measured. */
export function judge(measured: Measured, rowNames: readonly string[]): GoalResult[] {
  return goals
    .filter(({ row }) => rowNames.includes(row))
    .map(({ row, text, limit, atLeast, value, unjudged }) => {
      const found = value(measured) ?? Number.NaN;
      if (Number.isNaN(found)) return { row, goal: text, measured: null, limit, verdict: 'not measured' };
      if (limit === null) return { row, goal: text, measured: found, limit, verdict: 'stated' };
      const note = unjudged?.(measured.machine);
      if (note !== undefined) return { row, goal: text, measured: found, limit, verdict: 'not judged', note };
      const met = atLeast ? found >= limit : found <= limit;
      return { row, goal: text, measured: found, limit, verdict: met ? 'met' : 'missed' };
    });
}

/** The median ratio of a side to the row's peer, which is the second side. */
function ratioOf(name: string, subject: string, kind: Kind): Goal['value'] {
  return ({ rows }) => {
    const row = rows.find((each) => each.name === name);
    const isFirst = row?.sides[0]?.name === subject;
    const isPeer = ['distribution', 'berth-1-worker'].includes(row?.sides[1]?.name ?? '');
    if (!row || !isPeer) return undefined;
    const ratios = isFirst ? row.ratio : row.furtherRatios?.find((each) => each.subject === subject);
    return ratios?.[kind]?.median;
  };
}
