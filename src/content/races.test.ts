import { sqliteEngine } from './_engines.ts';
import { racesContract } from './races.contract.ts';

racesContract('sqlite', sqliteEngine);
