import type { Figure } from './figures.ts';

/** Rows of figures that run one after the other; one that fails leaves its reason, and the others run. */
export interface FigureAttempts {
  readonly figures: readonly Figure[];
  readonly failures: readonly string[];
  attempt(name: string, step: () => Promise<readonly Figure[]>): Promise<void>;
}

/** Starts with none. */
export function figureAttempts({
  signal,
  say,
}: {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}): FigureAttempts {
  const figures: Figure[] = [];
  const failures: string[] = [];
  return {
    figures,
    failures,
    async attempt(name, step) {
      say(name);
      try {
        figures.push(...(await step()));
      } catch (error) {
        signal.throwIfAborted();
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}
