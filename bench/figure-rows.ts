import { azureFolderBytes, runAzureRows } from './azure-folder-rows.ts';
import { type BigFolderPlan, bigFolderBytes, runBigRows } from './big-folder-rows.ts';
import { azureRowNames, bigRowNames, type FigureRowName, type FigureRowResult } from './figures.ts';

/** More rounds than these show nothing new: the rows here take long, and have no peer whose turns they must match. */
const mostRounds = 5;

/** Runs the rows that give figures, on folders that are made for them. */
export async function runFigureRows(rows: readonly FigureRowName[], asked: BigFolderPlan): Promise<FigureRowResult> {
  const plan = { ...asked, rounds: Math.min(asked.rounds, mostRounds) };
  const { big, azure } = groupsOf(rows);
  const results = [await runBigRows(big, plan), await runAzureRows(azure, plan)];
  return {
    figures: results.flatMap(({ figures }) => figures),
    failures: results.flatMap(({ failures }) => failures),
    skipped: results.flatMap(({ skipped }) => skipped),
  };
}

/** Disk that the rows take, generously. */
export function figureRowsBytes(rows: readonly FigureRowName[]): number {
  const { big, azure } = groupsOf(rows);
  return (big.length > 0 ? bigFolderBytes : 0) + (azure.length > 0 ? azureFolderBytes : 0);
}

function groupsOf(rows: readonly FigureRowName[]) {
  return {
    big: bigRowNames.filter((name) => rows.includes(name)),
    azure: azureRowNames.filter((name) => rows.includes(name)),
  };
}
