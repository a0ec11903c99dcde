import { describe, expect, inEveryForm, lacksAz, registeredAz, signInAs, test } from './_az.ts';

interface Principal {
  readonly appId: string;
  readonly displayName: string;
  readonly password: string;
  readonly tenant: string;
}
interface Entry {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
}
interface Assignment {
  readonly id: string;
  readonly principalId: string;
  readonly principalName: string;
  readonly principalType: string;
  readonly roleDefinitionName: string;
  readonly scope: string;
}

describe.skipIf(lacksAz())('service principals', () => {
  test('are made with a role, listed, shown, reset and deleted', async ({ az, world }) => {
    const scope = await az.tsv('acr list --query [0].id');
    const made = await az.json<Principal>(
      `ad sp create-for-rbac -n pusher --role acrpush --scopes ${scope} --only-show-errors`,
    );
    expect(made).toMatchObject({
      displayName: 'pusher',
      tenant: world.tenantId,
      password: expect.stringMatching(/.{30,}/),
    });
    const shown = await az.json<Entry>(`ad sp show --id ${made.appId}`);
    expect(shown).toMatchObject({ appId: made.appId, displayName: 'pusher', servicePrincipalType: 'Application' });
    await inEveryForm(az, 'ad sp list --display-name pusher', {
      table: ['DisplayName', 'pusher', made.appId],
      query: '[].appId',
      gives: [made.appId],
      tsv: made.appId,
    });
    expect(await az.tsv('ad sp list --all --query [].appId')).toContain(made.appId);
    const [assignment] = (await inEveryForm(az, `role assignment list --assignee ${made.appId} --all`, {
      table: ['Principal', 'Role', 'Scope', 'AcrPush', scope],
      query: '[].{r:roleDefinitionName,t:principalType}',
      gives: [{ r: 'AcrPush', t: 'ServicePrincipal' }],
      tsv: 'AcrPush\tServicePrincipal',
    })) as Assignment[];
    expect(assignment).toMatchObject({ principalId: shown.id, principalName: made.appId, scope });

    const reset = await az.json<Principal>(`ad sp credential reset --id ${made.appId} --only-show-errors`);
    expect(reset.password).not.toBe(made.password);
    expect(await az.json(`ad sp credential list --id ${made.appId}`)).toHaveLength(1);
    const login = `login --service-principal -u ${made.appId} --tenant ${world.tenantId}`;
    await signInAs(await registeredAz(world), world, reset);
    // The first password is the application's, which has another command.
    await az.run(`ad app credential reset --id ${made.appId} --only-show-errors`);
    const old = await registeredAz(world);
    expect(await old.refused(login, '-p', made.password)).toMatch(/AADSTS7000215|secret/);
    await signInAs(old, world, reset);

    await az.run(`ad sp delete --id ${made.appId}`);
    expect(await az.refused(`ad sp show --id ${made.appId}`)).toMatch(/does not exist|not found/i);
    const gone = await registeredAz(world);
    expect(await gone.refused(login, '-p', reset.password)).toMatch(/AADSTS/);
  });

  test('come in the form that SDKs read, too', async ({ az, world }) => {
    const auth = await az.json<Record<string, string>>(
      'ad sp create-for-rbac -n forsdk --json-auth --only-show-errors',
    );
    expect(auth).toMatchObject({
      subscriptionId: world.subscriptionId,
      tenantId: world.tenantId,
      resourceManagerEndpointUrl: `https://management.${world.domain}`,
      activeDirectoryEndpointUrl: `https://login.${world.domain}`,
    });
  });
});

describe.skipIf(lacksAz())('applications', () => {
  test('are made, listed, shown, given a service principal, and deleted with it', async ({ az }) => {
    const app = await az.json<Entry>('ad app create --display-name tool');
    expect(app).toMatchObject({ displayName: 'tool', appId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await az.tsv('ad app list --display-name tool --query [].appId')).toBe(app.appId);
    for (const id of [app.appId, app.id]) expect(await az.json(`ad app show --id ${id}`)).toMatchObject({ id: app.id });
    const principal = await az.json<Entry>(`ad sp create --id ${app.appId}`);
    expect(await az.json(`ad sp show --id ${principal.id}`)).toMatchObject({ appId: app.appId });
    await az.run(`ad app delete --id ${app.appId}`);
    expect(await az.refused(`ad app show --id ${app.appId}`)).toMatch(/does not exist|not found/i);
    expect(await az.refused(`ad sp show --id ${app.appId}`)).toMatch(/does not exist|not found/i);
  });
});

describe.skipIf(lacksAz())('the operator', () => {
  test('is who is signed in', async ({ az, world }) => {
    expect(await az.json('ad signed-in-user show')).toMatchObject({ userPrincipalName: world.operator.username });
  });

  test('sees the built-in roles by their ids', async ({ az }) => {
    await inEveryForm(az, 'role definition list -n AcrPull', {
      table: ['Name', 'Type', 'AcrPull'],
      query: '[].{n:name,r:roleName}',
      gives: [{ n: '7f951dda-4ed3-4680-a7ca-43fe172d538d', r: 'AcrPull' }],
      tsv: '7f951dda-4ed3-4680-a7ca-43fe172d538d\tAcrPull',
    });
    expect(await az.tsv('role definition list --query [].roleName')).toMatch(/^Owner$/m);
  });

  test('gives and takes roles at subscription, group and registry', async ({ az, world }) => {
    const { id: registry } = await az.json<Entry>('acr list --query [0]');
    const group = registry.replace(/\/providers\/.*/, '');
    const made = await az.json<Principal>('ad sp create-for-rbac -n roles --only-show-errors');
    const assignments = () => az.json<Assignment[]>(`role assignment list --assignee ${made.appId} --all`);
    expect(await assignments()).toEqual([]);
    for (const scope of [registry, group, `/subscriptions/${world.subscriptionId}`]) {
      const given = await az.json<Assignment>(
        `role assignment create --assignee ${made.appId} --role AcrPull --scope ${scope}`,
      );
      expect(given).toMatchObject({ scope, principalType: 'ServicePrincipal' });
      expect(await assignments()).toMatchObject([{ scope, roleDefinitionName: 'AcrPull' }]);
      // Again changes nothing.
      await az.run(`role assignment create --assignee ${made.appId} --role AcrPull --scope ${scope}`);
      await az.run(`role assignment delete --assignee ${made.appId} --role AcrPull --scope ${scope}`);
      expect(await assignments()).toEqual([]);
    }
    const { id: object } = await az.json<Entry>(`ad sp show --id ${made.appId}`);
    const bare = `role assignment create --assignee-object-id ${object} --assignee-principal-type ServicePrincipal`;
    await az.run(`${bare} --role 7f951dda-4ed3-4680-a7ca-43fe172d538d --scope ${group}`);
    expect(await assignments()).toMatchObject([{ scope: group, principalId: object }]);
    expect(await az.tsv('role assignment list --all --query [].roleDefinitionName')).toContain('Owner');
  });
});
