import { sqliteEngine } from './_engines.ts';
import { sealContract } from './seal.contract.ts';

sealContract('sqlite', sqliteEngine);
