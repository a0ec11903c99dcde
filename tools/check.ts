/** Everything that is checked without a network in under a minute: types, lint, format, boundaries, generated files, tests. */
import { type Counts, nodeTool, printSum, projectRoot, runStep, runVitest, sumCounts } from './steps.ts';

const node = process.execPath;

/** Runs every step, also after one has failed, so that one run shows all there is to mend. */
export async function runChecks(): Promise<Counts> {
  const counts = [
    await runStep('types', nodeTool('typescript', 'bin/tsc', '--noEmit')),
    await runStep('lint', nodeTool('oxlint', 'bin/oxlint', '--type-aware', '--deny-warnings')),
    await runStep('format', nodeTool('@biomejs/biome', 'bin/biome', 'ci', '--colors=off', projectRoot)),
    await runStep('boundaries', [node, 'tools/boundaries.ts']),
    await runStep('generated docs', [node, 'tools/gen-docs.ts', '--check']),
    await runStep('lock file', [node, 'tools/lock-check.ts']),
    await runVitest('tests', []),
  ];
  return sumCounts(counts);
}

if (import.meta.main) {
  const counts = await runChecks();
  printSum(counts);
  if (counts.failed > 0) process.exitCode = 1;
}
