import { join } from 'node:path';
import { run } from '../clients/_process.ts';
import { describe, expect, lacksAz, test } from './_az.ts';

const program = join(import.meta.dirname, '_sdk-program.ts');

describe.skipIf(lacksAz())("Azure's JavaScript SDKs", () => {
  test('make a registry, push, list, lock, pull and delete, as a service principal', async ({ az, world }) => {
    const { id, name, location } = await az.json<{ id: string; name: string; location: string }>(
      'group list --query [0]',
    );
    const made = await az.json<{ appId: string; password: string }>(
      `ad sp create-for-rbac -n sdk --role Contributor --scopes ${id} --only-show-errors`,
    );
    // Content takes roles of its own beside those that manage.
    await az.run(`role assignment create --assignee ${made.appId} --role AcrDelete --scope ${id}`);
    const { stdout } = await run(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program],
      { PATH: process.env['PATH'], HTTPS_PROXY: world.proxy, NODE_EXTRA_CA_CERTS: world.caFile },
      {
        input: JSON.stringify({
          domain: world.domain,
          tenantId: world.tenantId,
          subscriptionId: world.subscriptionId,
          resourceGroup: name,
          location,
          clientId: made.appId,
          clientSecret: made.password,
          operator: world.operator,
        }),
        timeoutMs: 120_000,
      },
    );
    expect(JSON.parse(stdout)).toEqual({
      available: true,
      made: { loginServer: `sdkregistry1.${world.domain}`, sku: 'Premium', state: 'Succeeded' },
      updated: { tags: { by: 'sdk' }, anonymous: true },
      listed: ['sdkregistry1'],
      admin: 'sdkregistry1',
      usages: expect.arrayContaining(['Size']),
      set: true,
      manifest: true,
      downloaded: 6 * 1024 * 1024,
      repositories: ['team/app'],
      counts: [1, 1],
      manifestProperties: [true, 'amd64'],
      locked: false,
      tags: ['v1'],
      manifests: 1,
      seenByAll: true,
      refusedToAll: '401',
      after: [],
      token: 3,
      gone: 'ResourceNotFound',
    });
  });
});
