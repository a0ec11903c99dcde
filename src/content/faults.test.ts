import { sqliteEngine } from './_engines.ts';
import { faultsContract } from './faults.contract.ts';

faultsContract('sqlite', sqliteEngine);
