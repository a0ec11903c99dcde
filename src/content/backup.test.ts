import { sqliteEngine } from './_engines.ts';
import { backupContract } from './backup.contract.ts';

backupContract('sqlite', sqliteEngine);
