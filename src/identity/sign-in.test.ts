import { sqliteEngine } from '../content/_engines.ts';
import { signInContract } from './sign-in.contract.ts';

signInContract('sqlite', sqliteEngine);
