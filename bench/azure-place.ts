import type { AzureClient } from './azure-client.ts';
import type { AzureFolder } from './azure-folder.ts';
import type { RunningBerth } from './berth.ts';
import { type Figure, figure } from './figures.ts';

/** Where the rows of Azure's planes are measured: the Azure folder, served. */
export interface AzurePlace {
  readonly azure: AzureFolder;
  readonly berth: RunningBerth;
  readonly client: AzureClient;
}

export interface AzurePlan {
  readonly rounds: number;
  /** Does it run? Few requests, no numbers to quote. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Something that is asked again and again. */
export interface Asked {
  /** Part of the names of its figures. */
  readonly name: string;
  readonly title: string;
  /** Milliseconds, by what was counted: `cpu`, `log`. Round 0 warms up. */
  measure(round: number): Promise<Readonly<Record<string, number>>>;
}

const counted: Readonly<Record<string, string>> = { cpu: 'CPU', log: 'ms in the access log' };

/** Measures everything in rounds, in turn, and drops the first round. */
export async function measureInTurn(row: string, all: readonly Asked[], plan: AzurePlan): Promise<Figure[]> {
  const values = new Map<string, number[]>();
  for (let round = 0; round <= plan.rounds; round++) {
    for (const one of round % 2 === 0 ? all : all.toReversed()) {
      plan.signal.throwIfAborted();
      const measured = Object.entries(await one.measure(round));
      plan.say(`  ${row} ${one.name}: ${measured.map(([kind, ms]) => `${kind} ${ms.toFixed(3)} ms`).join(', ')}`);
      if (round === 0) continue;
      for (const [kind, ms] of measured) {
        const name = `${row}/${one.name}/${kind}`;
        values.set(name, [...(values.get(name) ?? []), ms]);
      }
    }
  }
  return all.flatMap(({ name, title }) =>
    Object.entries(counted).flatMap(([kind, text]) => {
      const found = values.get(`${row}/${name}/${kind}`);
      if (found === undefined) return [];
      const facts = { title: `${title}: ${text}`, unit: 'ms', side: 'berth', values: found };
      return [figure({ name: `${row}/${name}/${kind}`, ...facts })];
    }),
  );
}
