import { sqliteEngine } from './_engines.ts';
import { listsContract } from './lists.contract.ts';

listsContract('sqlite', sqliteEngine);
