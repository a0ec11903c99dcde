import { DatabaseError, type TransactionModule } from '../../ports/index.ts';

/**
 * Name of every transaction listed, with its position over all modules in order. Throws `DatabaseError('incompatible')`
 * when two share a name.
 */
export function transactionPositions(modules: readonly Pick<TransactionModule, 'transactions'>[]): Map<string, number> {
  const positions = new Map<string, number>();
  for (const { name } of modules.flatMap((module) => module.transactions)) {
    if (positions.has(name)) throw new DatabaseError('incompatible', `two transactions are named "${name}"`);
    positions.set(name, positions.size);
  }
  return positions;
}
