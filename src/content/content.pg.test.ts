import { afterAll, describe } from 'vitest';
import { startPostgres } from '../../test/_postgres.ts';
import { feedContract } from '../data/feed.contract.ts';
import { directorySignInContract } from '../identity/directory-sign-in.contract.ts';
import { signInSessionsContract } from '../identity/sessions/sessions.contract.ts';
import { signInContract } from '../identity/sign-in.contract.ts';
import { signingKeysContract } from '../identity/signing-keys.contract.ts';
import { postgresEngines } from './_engines.ts';
import { backupContract } from './backup.contract.ts';
import { checksContract } from './checks.contract.ts';
import { everyUseCaseContract } from './every-use-case.contract.ts';
import { faultsContract } from './faults.contract.ts';
import { listsContract } from './lists.contract.ts';
import { manifestsContract } from './manifests.contract.ts';
import { racesContract } from './races.contract.ts';
import { refusalsContract } from './refusals.contract.ts';
import { registriesContract } from './registries.contract.ts';
import { sealContract } from './seal.contract.ts';
import { storeContract } from './store.contract.ts';
import { uploadsContract } from './uploads.contract.ts';

const server = await startPostgres({ fsync: 'off' });
const { skipped } = server;

describe.skipIf(skipped !== undefined)(
  `content on a private server${skipped === undefined ? '' : ` (skipped: ${skipped})`}`,
  () => {
    const engines = postgresEngines(server.skipped === undefined ? server.url : '');
    afterAll(() => (server.skipped === undefined ? server.stop() : undefined));

    storeContract('postgres', engines);
    registriesContract('postgres', engines);
    checksContract('postgres', engines);
    backupContract('postgres', engines);
    feedContract('postgres', engines);
    signInContract('postgres', engines);
    directorySignInContract('postgres', engines);
    signingKeysContract('postgres', engines);
    signInSessionsContract('postgres', engines);
    listsContract('postgres', engines);
    refusalsContract('postgres', engines);
    sealContract('postgres', engines);
    faultsContract('postgres', engines);
    everyUseCaseContract('postgres', engines);
    racesContract('postgres', engines);
    manifestsContract('postgres', engines);
    uploadsContract('postgres', engines);
  },
);
