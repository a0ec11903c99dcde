import { sqliteEngine } from '../content/_engines.ts';
import { feedContract } from './feed.contract.ts';

feedContract('sqlite', sqliteEngine);
