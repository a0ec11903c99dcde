import { sqliteEngine } from './_engines.ts';
import { uploadsContract } from './uploads.contract.ts';

uploadsContract('sqlite', sqliteEngine);
