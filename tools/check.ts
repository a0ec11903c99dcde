/** Everything that is checked without a network in under a minute: types, lint, format, boundaries, generated files, tests. */
import { whyNoContracts } from './gen-contracts.ts';
import { type Counts, noCounts, nodeTool, printSum, projectRoot, runStep, runVitest, sumCounts } from './steps.ts';

const node = process.execPath;

/** Runs every step, also after one has failed, so that one run shows all there is to mend. */
export async function runChecks(): Promise<Counts> {
  const counts = [
    await runStep('types', nodeTool('typescript', 'bin/tsc', '--noEmit')),
    await runStep('lint', nodeTool('oxlint', 'bin/oxlint', '--type-aware', '--deny-warnings')),
    await runStep('format', nodeTool('@biomejs/biome', 'bin/biome', 'ci', '--colors=off', projectRoot)),
    await runStep('boundaries', [node, 'tools/boundaries.ts']),
    await runStep('generated docs', [node, 'tools/gen-docs.ts', '--check']),
    await checkContracts(),
    await runStep('lock file', [node, 'tools/lock-check.ts']),
    await runVitest('tests', []),
  ];
  return sumCounts(counts);
}

/** Without the descriptions that contracts are made from, they are what was committed. */
async function checkContracts(): Promise<Counts> {
  const reason = whyNoContracts(projectRoot);
  if (reason === undefined) return runStep('contracts', [node, 'tools/gen-contracts.ts', '--check']);
  console.log(`skip contracts: ${reason}`);
  return { ...noCounts, skipped: 1 };
}

if (import.meta.main) {
  const counts = await runChecks();
  printSum(counts);
  if (counts.failed > 0) process.exitCode = 1;
}
