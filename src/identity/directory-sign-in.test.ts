import { sqliteEngine } from '../content/_engines.ts';
import { directorySignInContract } from './directory-sign-in.contract.ts';

directorySignInContract('sqlite', sqliteEngine);
