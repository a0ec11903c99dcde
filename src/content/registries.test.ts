import { sqliteEngine } from './_engines.ts';
import { registriesContract } from './registries.contract.ts';

registriesContract('sqlite', sqliteEngine);
