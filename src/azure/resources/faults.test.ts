import { sqliteEngine } from '../../content/_engines.ts';
import { groupFaultsContract } from './faults.contract.ts';

groupFaultsContract('sqlite', sqliteEngine);
