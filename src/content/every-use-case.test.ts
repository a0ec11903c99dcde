import { sqliteEngine } from './_engines.ts';
import { everyUseCaseContract } from './every-use-case.contract.ts';

everyUseCaseContract('sqlite', sqliteEngine);
