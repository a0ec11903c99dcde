import { sqliteEngine } from './_engines.ts';
import { manifestsContract } from './manifests.contract.ts';

manifestsContract('sqlite', sqliteEngine);
