import { sqliteEngine } from '../../content/_engines.ts';
import { registriesAtArmContract } from './registries.contract.ts';

registriesAtArmContract('sqlite', sqliteEngine);
