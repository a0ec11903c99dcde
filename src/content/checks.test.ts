import { sqliteEngine } from './_engines.ts';
import { checksContract } from './checks.contract.ts';

checksContract('sqlite', sqliteEngine);
