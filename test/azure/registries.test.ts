import { type Az, describe, expect, inEveryForm, lacksAz, test } from './_az.ts';

interface Registry {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly loginServer: string;
  readonly adminUserEnabled: boolean;
  readonly anonymousPullEnabled: boolean;
  readonly provisioningState: string;
  readonly publicNetworkAccess: string;
  readonly resourceGroup: string;
  readonly sku: { readonly name: string; readonly tier: string };
  readonly tags: Record<string, string> | null;
  readonly policies: Record<string, Record<string, unknown>>;
}

const group = (az: Az) => az.tsv('group list --query [0].name');

describe.skipIf(lacksAz())('az acr', () => {
  test('checks names', async ({ az }) => {
    expect(await az.json('acr check-name -n freename123')).toMatchObject({ nameAvailable: true });
    const [taken] = await az.json<Registry[]>('acr list');
    expect(await az.json(`acr check-name -n ${taken?.name}`)).toMatchObject({
      nameAvailable: false,
      reason: 'AlreadyExists',
    });
    expect(await az.json('acr check-name -n management')).toMatchObject({ nameAvailable: false });
    expect(await az.json('acr check-name -n no_good')).toMatchObject({ nameAvailable: false, reason: 'Invalid' });
  });

  test('makes, lists, shows, changes and deletes a registry, in every form', async ({ az, world }) => {
    const made = await az.json<Registry>(
      `acr create -n lifecycle1 -g ${await group(az)} --sku Premium --admin-enabled true --tags a=b`,
    );
    expect(made).toMatchObject({
      name: 'lifecycle1',
      loginServer: `lifecycle1.${world.domain}`,
      sku: { name: 'Premium', tier: 'Premium' },
      adminUserEnabled: true,
      provisioningState: 'Succeeded',
      tags: { a: 'b' },
    });
    const rows = (await inEveryForm(az, 'acr list', {
      table: ['NAME', 'RESOURCE GROUP', 'LOCATION', 'SKU', 'LOGIN SERVER', 'lifecycle1', 'Premium', made.loginServer],
      query: "[?name=='lifecycle1'].{n:name,s:sku.name}",
      gives: [{ n: 'lifecycle1', s: 'Premium' }],
      tsv: 'lifecycle1\tPremium',
    })) as Registry[];
    expect(rows.length).toBe(2);
    const shown = await inEveryForm(az, 'acr show -n lifecycle1', {
      table: ['lifecycle1', 'Premium', made.loginServer],
      query: 'id',
      gives: made.id,
      tsv: made.id,
    });
    expect(shown).toMatchObject({ ...made, systemData: expect.anything() });
    expect(await az.json<Registry>('acr show -n LIFECYCLE1 -g', made.resourceGroup)).toMatchObject({ id: made.id });

    const changed = await az.json<Registry>(
      'acr update -n lifecycle1 --admin-enabled false --anonymous-pull-enabled true --tags k=v',
    );
    expect(changed).toMatchObject({ adminUserEnabled: false, anonymousPullEnabled: true, tags: { k: 'v' } });
    expect(await az.json('acr show -n lifecycle1')).toMatchObject({
      adminUserEnabled: false,
      anonymousPullEnabled: true,
      tags: { k: 'v' },
    });
    const set = await az.json<Registry>('acr update -n lifecycle1 --set tags.more=yes');
    // az sends what was set, and tags in a change take the place of all.
    expect(set.tags).toEqual({ more: 'yes' });

    await az.run('acr delete -n lifecycle1 -y');
    expect(await az.refused('acr show -n lifecycle1')).toMatch(/could not be found|NotFound/);
    expect(await az.json('acr check-name -n lifecycle1')).toMatchObject({ nameAvailable: true });
  });

  test('goes up and down in tiers as Azure does, and keeps the policies that one change does not name', async ({
    az,
  }) => {
    await az.run(`acr create -n tiers123 -g ${await group(az)} --sku Basic`);
    expect(await az.refused('acr update -n tiers123 --anonymous-pull-enabled true')).toMatch(/Basic|sku|tier/i);
    const up = await az.json<Registry>('acr update -n tiers123 --sku Premium');
    const off = await az
      .json<Registry>('acr update -n tiers123 --public-network-enabled false --allow-exports false')
      .catch((error: Error) => error.message);
    // Network rules are refused by name until they come; the export policy needs them.
    expect(JSON.stringify(off)).toMatch(/ublicNetworkAccess|exportPolicy|Disabled/);
    expect(await az.json<Registry>('acr show -n tiers123')).toMatchObject({ policies: up.policies });
    expect(await az.json<Registry>('acr update -n tiers123 --sku Standard')).toMatchObject({
      sku: { name: 'Standard' },
    });
    expect(await az.refused('acr create -n tiers124 -g nothere --sku Basic')).toContain('ResourceGroupNotFound');
    await az.run('acr delete -n tiers123 -y');
  });

  test('shows usage and endpoints', async ({ az }) => {
    const [registry] = await az.json<Registry[]>('acr list');
    const usage = (await inEveryForm(az, `acr show-usage -n ${registry?.name}`, {
      table: ['NAME', 'LIMIT', 'CURRENT VALUE', 'UNIT', 'Size'],
      query: "value[?name=='Size'].unit",
      gives: ['Bytes'],
      tsv: 'Bytes',
    })) as { value: { name: string; currentValue: number; limit: number }[] };
    expect(usage.value.map(({ name }) => name)).toEqual(expect.arrayContaining(['Size', 'Webhooks']));
    expect(await az.json(`acr show-endpoints -n ${registry?.name}`)).toMatchObject({
      loginServer: registry?.loginServer,
    });
  });

  test('shows and renews credentials when there are some', async ({ az }) => {
    await az.run(`acr create -n creds123 -g ${await group(az)} --sku Basic`);
    expect(await az.refused('acr credential show -n creds123')).toMatch(/admin/i);
    await az.run('acr update -n creds123 --admin-enabled true');
    const before = (await inEveryForm(az, 'acr credential show -n creds123', {
      table: ['USERNAME', 'PASSWORD', 'PASSWORD2', 'creds123'],
      query: 'username',
      gives: 'creds123',
      tsv: 'creds123',
    })) as { passwords: { name: string; value: string }[] };
    const after = await az.json<typeof before>('acr credential renew -n creds123 --password-name password2');
    expect(after.passwords[0]).toEqual(before.passwords[0]);
    expect(after.passwords[1]?.value).not.toBe(before.passwords[1]?.value);
    const list = 'acr repository list -n creds123 -u creds123 -o json -p';
    expect((await az.run(list, [after.passwords[1]?.value ?? ''])).stdout.trim()).toBe('[]');
    await az.run('acr delete -n creds123 -y');
  });
});
