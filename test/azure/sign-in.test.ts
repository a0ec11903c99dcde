import { type Az, describe, expect, inEveryForm, lacksAz, signIn, signInAs, test } from './_az.ts';
import { openBrowser } from './_browser.ts';
import { startCommand } from './_running.ts';

interface Account {
  readonly id: string;
  readonly tenantId: string;
  readonly cloudName: string;
  readonly state: string;
  readonly isDefault: boolean;
  readonly user: { readonly name: string; readonly type: string };
}

interface Principal {
  readonly appId: string;
  readonly password: string;
  readonly tenant: string;
}

const newPrincipal = (az: Az, name: string): Promise<Principal> =>
  az.json<Principal>(`ad sp create-for-rbac -n ${name} --only-show-errors`);

describe.skipIf(lacksAz())('the operator', () => {
  test('signs in with a password and sees the subscription in every form', async ({ az, world }) => {
    const [account] = (await inEveryForm(az, 'account list', {
      table: ['Name', 'SubscriptionId', world.subscriptionId, 'Enabled', 'True'],
      query: '[].{id:id,user:user.name}',
      gives: [{ id: world.subscriptionId, user: world.operator.username }],
      tsv: `${world.subscriptionId}\t${world.operator.username}`,
    })) as Account[];
    expect(account).toMatchObject({
      cloudName: 'Berth',
      tenantId: world.tenantId,
      state: 'Enabled',
      isDefault: true,
      user: { name: world.operator.username, type: 'user' },
    });
    const { cloudName: environmentName, ...rest } = account ?? { cloudName: '' };
    expect(await az.json('account show')).toMatchObject({ ...rest, environmentName });
    expect(await az.json('account list --refresh')).toEqual([account]);
    await az.run(`account set --subscription ${world.subscriptionId}`);
  });

  test.for(['no tenant', 'the id of the tenant', 'the domain as its tenant'] as const)(
    'signs in with %s',
    async (how, { unsigned, world }) => {
      const tenants = {
        'no tenant': [],
        'the id of the tenant': [world.tenantId],
        'the domain as its tenant': [world.domain],
      };
      const words = tenants[how].flatMap((tenant) => ['--tenant', tenant]);
      await unsigned.run(`login -u ${world.operator.username} -p ${world.operator.password}`, words);
      expect(await unsigned.tsv('account show --query tenantId')).toBe(world.tenantId);
      expect(await unsigned.tsv('group list --query length(@)')).toMatch(/^[1-9]/);
    },
  );

  test('hears why a wrong password signs nobody in, and is let in right afterwards', async ({ unsigned, world }) => {
    const said = await unsigned.refused(`login -u ${world.operator.username} -p not-the-password`);
    expect(said).toMatch(/AADSTS50126|password/);
    expect(await unsigned.refused('account show')).toContain('az login');
    await signIn(unsigned, world.operator);
    expect(await unsigned.tsv('account show --query id')).toBe(world.subscriptionId);
  });

  test('signs in with a code on the page of another device', async ({ unsigned, world }) => {
    await using login = startCommand(unsigned, 'login --use-device-code');
    const [, page, code] = await login.says(/open the page (\S+) [^]*enter the code (\S+) /);
    const browser = openBrowser(world);
    await browser.signInWithCode(String(page), String(code), world.operator);
    expect(await login.exit()).toBe(0);
    expect(await unsigned.tsv('account show --query user.name')).toBe(world.operator.username);
    expect(await unsigned.tsv('group list --query length(@)')).toMatch(/^[1-9]/);
  });

  test('gets tokens for what is asked', async ({ az, world }) => {
    const token = await az.json<{ accessToken: string; expires_on: number; tenant: string; tokenType: string }>(
      'account get-access-token',
    );
    expect(token).toMatchObject({ tenant: world.tenantId, tokenType: 'Bearer' });
    expect(claimsOf(token.accessToken)).toMatchObject({ tid: world.tenantId });
    expect(token.expires_on).toBeGreaterThan(Date.now() / 1000 + 600);
    const resource = 'https://containerregistry.azure.net';
    const other = await az.json<{ accessToken: string }>(`account get-access-token --resource ${resource}`);
    expect(String(claimsOf(other.accessToken)['aud'])).toContain(resource);
  });

  test('sees the location, and signs out', async ({ az, unsigned, world }) => {
    const locations =
      await az.json<{ name: string; displayName: string; metadata: { regionType: string } }[]>(
        'account list-locations',
      );
    expect(locations.length).toBeGreaterThan(0);
    expect(locations[0]).toMatchObject({
      name: expect.stringMatching(/^[a-z0-9]+$/),
      metadata: { regionType: 'Physical' },
    });
    await signIn(unsigned, world.operator);
    await unsigned.run('logout');
    expect(await unsigned.json('account list')).toEqual([]);
    expect(await unsigned.refused('group list')).toContain('az login');
  });
});

describe.skipIf(lacksAz())('a service principal', () => {
  test('signs in with its secret, and with a wrong one hears so in a fresh configuration', async ({
    az,
    unsigned,
    world,
  }) => {
    const group = await az.tsv('group list --query [0].id');
    const made = await az.json<Principal>(
      `ad sp create-for-rbac -n signin --role Reader --scopes ${group} --only-show-errors`,
    );
    expect(made.tenant).toBe(world.tenantId);
    const wrong = await unsigned.refused(
      `login --service-principal -u ${made.appId} -p wrong --tenant ${world.tenantId}`,
    );
    expect(wrong).toMatch(/AADSTS7000215|secret/);
    await signInAs(unsigned, world, made);
    expect(await unsigned.json('account show')).toMatchObject({
      id: world.subscriptionId,
      user: { name: made.appId, type: 'servicePrincipal' },
    });
    expect(await unsigned.refused('group create -n other -l eastus')).toContain('AuthorizationFailed');
  });

  test('without a role sees no subscription, and is told so', async ({ az, unsigned, world }) => {
    const made = await newPrincipal(az, 'roleless');
    const line = `login --service-principal -u ${made.appId} --tenant ${world.tenantId}`;
    expect(await unsigned.refused(line, '-p', made.password)).toContain('No subscriptions found');
    await unsigned.run(`${line} --allow-no-subscriptions`, ['-p', made.password]);
    expect(await unsigned.tsv('account show --query tenantId')).toBe(world.tenantId);
  });
});

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}
