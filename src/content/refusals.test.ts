import { sqliteEngine } from './_engines.ts';
import { refusalsContract } from './refusals.contract.ts';

refusalsContract('sqlite', sqliteEngine);
