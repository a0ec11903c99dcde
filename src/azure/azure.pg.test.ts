import { afterAll, describe } from 'vitest';
import { startPostgres } from '../../test/_postgres.ts';
import { postgresEngines } from '../content/_engines.ts';
import { frontContract } from './arm/front.contract.ts';
import { registriesAtArmContract } from './registry/registries.contract.ts';
import { groupFaultsContract } from './resources/faults.contract.ts';
import { resourcesContract } from './resources/resources.contract.ts';

const server = await startPostgres({ fsync: 'off' });
const { skipped } = server;

describe.skipIf(skipped !== undefined)(
  `azure on a private server${skipped === undefined ? '' : ` (skipped: ${skipped})`}`,
  () => {
    const engines = postgresEngines(server.skipped === undefined ? server.url : '');
    afterAll(() => (server.skipped === undefined ? server.stop() : undefined));

    frontContract('postgres', engines);
    registriesAtArmContract('postgres', engines);
    resourcesContract('postgres', engines);
    groupFaultsContract('postgres', engines);
  },
);
