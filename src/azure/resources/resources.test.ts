import { sqliteEngine } from '../../content/_engines.ts';
import { resourcesContract } from './resources.contract.ts';

resourcesContract('sqlite', sqliteEngine);
