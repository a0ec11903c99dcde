import { join } from 'node:path';
import { run } from '../clients/_process.ts';
import { describe, expect, lacksAz, test } from './_az.ts';

const program = join(import.meta.dirname, '_sdk-program.ts');

describe.skipIf(lacksAz())("Azure's JavaScript SDKs", () => {
  test('make a registry, push, list, lock, pull and delete, as a service principal', async ({ az, world }) => {
    const { name, location } = await az.json<{ name: string; location: string }>('group list --query [0]');
    const made = await az.json<{ appId: string; password: string }>(
      // Whether a name is free is a question to the subscription.
      `ad sp create-for-rbac -n sdk --role Contributor --scopes /subscriptions/${world.subscriptionId} --only-show-errors`,
    );
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
      listed: expect.arrayContaining(['sdkregistry1']),
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
