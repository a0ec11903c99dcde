import { type Az, describe, expect, inEveryForm, lacksAz, test } from './_az.ts';

interface Group {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly tags: Record<string, string> | null;
  readonly properties: { readonly provisioningState: string };
}

const exists = (az: Az, name: string) => az.tsv(`group exists -n ${name}`);

describe.skipIf(lacksAz())('resource groups', () => {
  test('are made, listed, shown, changed and deleted with all that is in them', async ({ az, world }) => {
    expect(await exists(az, 'team')).toBe('false');
    const location = await az.tsv('account list-locations --query [0].name');
    const made = await az.json<Group>(`group create -n team -l ${location} --tags purpose=test`);
    expect(made).toMatchObject({
      id: `/subscriptions/${world.subscriptionId}/resourceGroups/team`,
      name: 'team',
      location,
      tags: { purpose: 'test' },
      properties: { provisioningState: 'Succeeded' },
    });
    expect(await exists(az, 'team')).toBe('true');
    expect(await az.json<Group>('group show -n TEAM')).toEqual(made);
    const groups = (await inEveryForm(az, 'group list', {
      table: ['Name', 'Location', 'Status', 'team', 'Succeeded'],
      query: "[?name=='team'].{name:name,location:location}",
      gives: [{ name: 'team', location }],
      tsv: `team\t${location}`,
    })) as Group[];
    expect(groups.length).toBeGreaterThan(1);
    expect(await az.json<Group[]>('group list --tag purpose=test')).toHaveLength(1);

    await az.run('acr create -n ingroup123 -g team --sku Basic');
    const changed = await az.json<Group>('group update -n team --set tags.owner=ann');
    expect(changed.tags).toEqual({ purpose: 'test', owner: 'ann' });
    expect(await az.tsv('resource list -g team --query [].name')).toBe('ingroup123');

    await az.run('group delete -n team --yes');
    expect(await exists(az, 'team')).toBe('false');
    expect(await az.refused('group show -n team')).toContain('ResourceGroupNotFound');
    expect(await az.tsv("acr list --query [?name=='ingroup123'].name")).toBe('');
  });

  test('have names that Azure takes', async ({ az }) => {
    expect(await az.refused('group create -l eastus -n', 'ends.')).toMatch(
      /InvalidResourceGroup|InvalidParameter|invalid/i,
    );
  });
});

describe.skipIf(lacksAz())('resources', () => {
  test('are listed and shown whatever they are', async ({ az }) => {
    const [registry] = await az.json<{ id: string; name: string; resourceGroup: string }[]>('acr list');
    if (registry === undefined) throw new Error('there is no registry');
    const resources = (await inEveryForm(az, 'resource list', {
      table: ['Name', 'ResourceGroup', 'Type', registry.name],
      query: `[?name=='${registry.name}'].{name:name,type:type}`,
      gives: [{ name: registry.name, type: 'Microsoft.ContainerRegistry/registries' }],
      tsv: `${registry.name}\tMicrosoft.ContainerRegistry/registries`,
    })) as { id: string }[];
    expect(resources.map(({ id }) => id)).toContain(registry.id);
    expect(await az.json(`resource show --ids ${registry.id}`)).toMatchObject({ id: registry.id, name: registry.name });
    const byType = 'resource list --resource-type Microsoft.ContainerRegistry/registries --query [].name';
    expect(await az.tsv(byType)).toContain(registry.name);
  });

  test('belong to providers that are registered', async ({ az }) => {
    const shown = await az.json<{
      namespace: string;
      registrationState: string;
      resourceTypes: { resourceType: string; apiVersions: string[] }[];
    }>('provider show -n Microsoft.ContainerRegistry');
    expect(shown).toMatchObject({ namespace: 'Microsoft.ContainerRegistry', registrationState: 'Registered' });
    const registries = shown.resourceTypes.find(({ resourceType }) => resourceType === 'registries');
    expect(registries?.apiVersions.some((version) => !version.endsWith('preview'))).toBe(true);
    await az.run('provider register -n Microsoft.ContainerRegistry');
    expect(await az.tsv('provider list --query [].namespace')).toContain('Microsoft.ContainerRegistry');
    expect(await az.refused('provider show -n Microsoft.Nothing')).toMatch(
      /InvalidResourceNamespace|not be found|NotFound/i,
    );
  });
});
