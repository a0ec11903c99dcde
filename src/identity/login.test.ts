import { sqliteEngine } from '../content/_engines.ts';
import { signInSessionsContract } from './sessions/sessions.contract.ts';
import { signingKeysContract } from './signing-keys.contract.ts';

signingKeysContract('sqlite', sqliteEngine);
signInSessionsContract('sqlite', sqliteEngine);
