import { join } from 'node:path';
import { measureArm } from './arm-row.ts';
import { azureClient } from './azure-client.ts';
import { type AzureSizes, makeAzureFolder } from './azure-folder.ts';
import type { AzurePlace, AzurePlan } from './azure-place.ts';
import { startBerth } from './berth.ts';
import { measureExchange } from './exchange-row.ts';
import { figureAttempts } from './figure-attempts.ts';
import type { AzureRowName, Figure, FigureRowResult } from './figures.ts';
import { measurePermissionChecks, tagsFor } from './permission-checks-row.ts';

/** Disk that an Azure folder takes, generously. */
export const azureFolderBytes = 500_000_000;

const subscription = { registries: 10_000, assignments: 100_000 };
/** Too small to show anything but that it runs. */
const quickSubscription = { registries: 1000, assignments: 10_000 };

const measures: Readonly<Record<AzureRowName, (place: AzurePlace, plan: AzurePlan) => Promise<Figure[]>>> = {
  exchange: measureExchange,
  arm: measureArm,
  'permission-checks': measurePermissionChecks,
};

/** Makes the Azure folder and runs the rows on it, when there are any. */
export async function runAzureRows(
  rows: readonly AzureRowName[],
  plan: AzurePlan & { readonly folder: string },
): Promise<FigureRowResult> {
  const all = figureAttempts(plan);
  const runAll = async (): Promise<Figure[]> => {
    const sizes: AzureSizes = { ...(plan.quick ? quickSubscription : subscription), tags: tagsFor(plan) };
    plan.say(`filling a folder: ${sizes.registries} registries, ${sizes.assignments} role assignments`);
    const azure = await makeAzureFolder(join(plan.folder, 'azure'), sizes);
    plan.signal.throwIfAborted();
    await using berth = await startBerth({ name: 'berth', folder: azure.folder, credentials: azure.credentials });
    using client = azureClient(berth);
    for (const name of rows) await all.attempt(name, () => measures[name]({ azure, berth, client }, plan));
    return [];
  };
  if (rows.length > 0) await all.attempt('the Azure folder', runAll);
  return { figures: all.figures, failures: all.failures, skipped: [] };
}
