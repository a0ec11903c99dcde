import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { localKeyWrapper } from '../../adapters/key-local/index.ts';
import { sqliteEngine } from '../../content/_engines.ts';
import { by } from '../../content/_world.ts';
import { registries as registryUseCases } from '../../content/index.ts';
import { directory } from '../../identity/index.ts';
import { randomIds } from '../../kernel/index.ts';
import { managementWorld, registries, roles, subscription, subscriptionId, tenantId } from '../_world.ts';
import { registryProvider } from './provider.ts';

const specs = process.env['BERTH_SPECS'] ?? join(import.meta.dirname, '../../../../shared/specs/rebuilt');
const recordings = join(specs, '../../facts/az-recordings.jsonl');
const isRecorded = existsSync(recordings);
if (!isRecorded) console.log(`test of what az was recorded to ask of registries skipped: ${recordings} is not there`);

interface Recorded {
  readonly m: string;
  readonly host: string;
  readonly path: string;
  readonly q: string;
  readonly body: string;
  readonly cmd: string;
}

/** What az asks of a registry itself and of nothing below it. */
const ours =
  /\/providers\/Microsoft\.ContainerRegistry\/(?:registries(?:\/\w+(?:\/(?:listUsages|listCredentials|regenerateCredential|replications|privateEndpointConnections))?)?|checkNameAvailability)$/;

/** Commands that ask for what this version does not have. */
const later =
  /retention update|data-endpoint-enabled|encryption|key-encryption-key|network-rule|soft-delete update|content-trust update|public-network-enabled false|identity assign|replication create/;

describe.skipIf(!isRecorded)('what az 2.91 was recorded to ask of registries', () => {
  test('is done, or refused by name where this version does not have it', async () => {
    await using engine = await sqliteEngine();
    const { database, clock } = engine;
    const all = registryUseCases(database);
    await all.create(by('owner'), { name: 'thefirstone', adminEnabled: false, anonymousPull: false });
    const provider = registryProvider({
      database,
      clock,
      ids: randomIds,
      directory: directory({ database, clock }),
      wrapper: localKeyWrapper(new Uint8Array(32).fill(7)),
      tenantId,
    });
    await using world = await managementWorld({ engine, others: [provider] });
    const owner = await world.person({ role: roles.owner, scope: subscription });
    const lines = (await readFile(recordings, 'utf8')).split('\n').filter((line) => line !== '');
    const sent = lines.map((line) => JSON.parse(line) as Recorded).filter(({ host }) => host.startsWith('management.'));
    let done = 0;
    for (const { m, path, q, body, cmd } of sent.filter((one) => ours.test(one.path))) {
      const target = path
        .replace(/\/subscriptions\/[0-9a-f-]{36}/i, `/subscriptions/${subscriptionId}`)
        .replace(/\/resourcegroups\/[^/]+/i, '/resourceGroups/group');
      const name = /\/registries\/(\w+)/.exec(target)?.[1];
      // The stub of the recorder made what nobody had made.
      if (name !== undefined && m !== 'PUT' && !(await all.byName(name))) {
        const location = { location: 'test', sku: { name: 'Premium' }, properties: { adminUserEnabled: true } };
        const path_ = `${subscription}/resourceGroups/group/providers/${registries}/${name}?${q}`;
        const made = await owner.ask('PUT', path_, { body: JSON.stringify(location) });
        if (made.status !== 201) throw new Error(made.text);
      }
      const text = body.replaceAll('"eastus"', '"test"');
      const answer = await owner.ask(m, `${target}?${q}`, text === '' ? {} : { body: text });
      const isRefusedByName = later.test(cmd) && /"code":"(?:FeatureNotSupported|SkuNotSupported)"/.test(answer.text);
      expect(isRefusedByName || [200, 201, 204].includes(answer.status), `${cmd}: ${answer.text}`).toBe(true);
      if (isRefusedByName) continue;
      done += 1;
    }
    expect(done).toBeGreaterThan(20);
  });
});
