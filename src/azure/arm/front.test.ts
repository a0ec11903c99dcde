import { sqliteEngine } from '../../content/_engines.ts';
import { frontContract } from './front.contract.ts';

frontContract('sqlite', sqliteEngine);
