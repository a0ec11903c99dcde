import { sqliteEngine } from './_engines.ts';
import { storeContract } from './store.contract.ts';

storeContract('sqlite', sqliteEngine);
