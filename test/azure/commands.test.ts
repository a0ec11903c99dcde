import { test as base, describe, expect, lacksAz } from './_az.ts';
import { pushImage } from './_push.ts';
import { openSession } from './_session.ts';

/** The commands that no other test needs, in one process; `premium` is a registry of that tier beside the first. */
const test = base
  .extend('session', { scope: 'file' }, async ({ az }, { onCleanup }) => {
    const session = openSession(az);
    onCleanup(() => session[Symbol.asyncDispose]());
    return session;
  })
  .extend('registry', { scope: 'file' }, ({ world }) => String(world.tlsServer.split('.')[0]))
  .extend('group', { scope: 'file' }, ({ session }) => session.tsv('group list --query [0].name'))
  .extend('premium', { scope: 'file' }, async ({ session, group }) => {
    await session.run(`acr create -n premium123 -g ${group} --sku Premium`);
    return 'premium123';
  });

interface Secret {
  readonly keyId: string;
}

describe.skipIf(lacksAz())('the policies of a registry', () => {
  test('are as they are when nothing was set', async ({ premium, session }) => {
    expect(await session.json(`acr config content-trust show -r ${premium}`)).toMatchObject({ status: 'disabled' });
    expect(await session.json(`acr config retention show -r ${premium}`)).toMatchObject({ status: 'disabled' });
    expect(await session.json(`acr config soft-delete show -r ${premium}`)).toMatchObject({ status: 'disabled' });
    expect(await session.json(`acr encryption show -n ${premium}`)).toMatchObject({ status: 'disabled' });
    expect(await session.json(`acr network-rule list -n ${premium}`)).toMatchObject({ ipRules: [] });
    expect(await session.json(`acr replication list -r ${premium}`)).toEqual([]);
    expect(await session.json(`acr private-endpoint-connection list -r ${premium}`)).toEqual([]);
  });

  test('stay as they are when what is off is put off, and a rule goes that is not there', async ({
    premium,
    session,
  }) => {
    await session.run(`acr config content-trust update -r ${premium} --status disabled -y`);
    expect(await session.json(`acr config content-trust show -r ${premium}`)).toMatchObject({ status: 'disabled' });
    await session.run(`acr network-rule remove -n ${premium} --ip-address 1.2.3.4`);
    expect(await session.json(`acr network-rule list -n ${premium}`)).toMatchObject({ ipRules: [] });
  });

  test('say whether tokens of the resource manager open the registry', async ({ premium, session }) => {
    const show = () => session.tsv(`acr config authentication-as-arm show -r ${premium} --query status`);
    expect(await show()).toBe('enabled');
    await session.run(`acr config authentication-as-arm update -r ${premium} --status disabled`);
    expect(await show()).toBe('disabled');
    await session.run(`acr config authentication-as-arm update -r ${premium} --status enabled`);
    expect(await show()).toBe('enabled');
  });
});

describe.skipIf(lacksAz())('a registry', () => {
  test('gets an identity of its own, and loses it', async ({ premium, session }) => {
    await session.run(`acr identity assign -n ${premium} --identities [system]`);
    const identity = await session.json<Record<string, string>>(`acr identity show -n ${premium}`);
    expect(identity).toMatchObject({ type: 'SystemAssigned' });
    expect(await session.tsv(`ad sp show --id ${identity['principalId']} --query servicePrincipalType`)).toBe(
      'ManagedIdentity',
    );
    await session.run(`acr identity remove -n ${premium} --identities [system]`);
    expect(await session.json(`acr identity show -n ${premium}`)).toBeUndefined();
  });

  test('tells its manifests by commands with older names, too', async ({ registry, session, world }) => {
    const { digest } = await pushImage(world, 'older', 'v1');
    const told = [{ digest, tags: ['v1'] }];
    expect(await session.json(`acr repository show-manifests -n ${registry} --repository older`)).toMatchObject(told);
    expect(await session.json(`acr manifest metadata list -r ${registry} -n older`)).toMatchObject(told);
    await session.run(`acr manifest metadata update -r ${registry} -n older:v1 --write-enabled false`);
    expect(await session.json(`acr manifest metadata show -r ${registry} -n older:v1`)).toMatchObject({
      digest,
      changeableAttributes: { writeEnabled: false },
    });
  });
});

describe.skipIf(lacksAz())('az resource', () => {
  test('makes, changes, tags, waits for, asks and deletes a registry', async ({ group, session }) => {
    await session.run(
      `resource create -g ${group} -n generic123 --resource-type Microsoft.ContainerRegistry/registries`,
      ['--is-full-object', '--properties', '{"location":"local","sku":{"name":"Basic"},"properties":{}}'],
    );
    const id = await session.tsv('acr show -n generic123 --query id');
    await session.run(`resource wait --ids ${id} --exists`);
    await session.run(`group wait -n ${group} --exists`);
    await session.run(`resource patch --ids ${id} --properties`, ['{"adminUserEnabled":true}']);
    expect(await session.tsv('acr show -n generic123 --query adminUserEnabled')).toBe('true');
    await session.run(`resource tag --ids ${id} --tags a=b`);
    await session.run(`resource update --ids ${id} --set tags.c=d`);
    expect(await session.json('acr show -n generic123 --query tags')).toEqual({ a: 'b', c: 'd' });
    const password = () => session.tsv('acr credential show -n generic123 --query passwords[0].value');
    const old = await password();
    await session.run(`resource invoke-action --ids ${id} --action regenerateCredential --request-body`, [
      '{"name":"password"}',
    ]);
    expect(await password()).not.toBe(old);
    await session.run(`resource delete --ids ${id}`);
    expect(await session.refused('acr show -n generic123')).toMatch(/could not be found|NotFound/);
  });
});

describe.skipIf(lacksAz())('roles', () => {
  test('are shown, described anew, and denied to nobody', async ({ session, group }) => {
    const scope = await session.tsv(`group show -n ${group} --query id`);
    const app = await session.json<{ appId: string }>(
      `ad sp create-for-rbac -n described --role Reader --only-show-errors --scopes ${scope}`,
    );
    const [assignment] = await session.json<Record<string, unknown>[]>(
      `role assignment list --assignee ${app.appId} --all`,
    );
    await session.run('role assignment update --role-assignment', [
      JSON.stringify({ ...assignment, description: 'changed' }),
    ]);
    const query = `role assignment list --assignee ${app.appId} --all --query [].description`;
    expect(await session.tsv(query)).toBe('changed');
    const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
    expect(await session.json(`role definition show --scope ${scope} -n ${reader}`)).toMatchObject({
      roleName: 'Reader',
      permissions: [{ actions: ['*/read'] }],
    });
    expect(await session.json('role deny-assignment list')).toEqual([]);
  });
});

describe.skipIf(lacksAz())('an application', () => {
  test('has passwords, no owners, no permissions, and a name that changes', async ({ session }) => {
    const { appId } = await session.json<{ appId: string }>('ad app create --display-name passwords');
    await session.run(`ad app credential reset --id ${appId} --only-show-errors`);
    const [first] = await session.json<Secret[]>(`ad app credential list --id ${appId}`);
    await session.run(`ad app credential reset --id ${appId} --append --only-show-errors`);
    await session.run(`ad app credential delete --id ${appId} --key-id ${first?.keyId}`);
    const left = await session.json<Secret[]>(`ad app credential list --id ${appId}`);
    expect([left.length, left[0]?.keyId === first?.keyId]).toEqual([1, false]);
    expect(await session.json(`ad app owner list --id ${appId}`)).toEqual([]);
    // It has none, so to take one away changes nothing.
    await session.run(`ad app permission delete --id ${appId} --api 00000003-0000-0000-c000-000000000000`);
    expect(await session.json(`ad app permission list --id ${appId}`)).toEqual([]);
    await session.run(`ad app update --id ${appId} --display-name renamed`);
    expect(await session.tsv(`ad app show --id ${appId} --query displayName`)).toBe('renamed');
    await session.run(`ad sp create --id ${appId}`);
    expect(await session.json(`ad sp owner list --id ${appId}`)).toEqual([]);
    await session.run(`ad sp credential reset --id ${appId} --only-show-errors`);
    const [own] = await session.json<Secret[]>(`ad sp credential list --id ${appId}`);
    await session.run(`ad sp credential delete --id ${appId} --key-id ${own?.keyId}`);
    expect(await session.json(`ad sp credential list --id ${appId}`)).toEqual([]);
  });
});

describe.skipIf(lacksAz())('the machine', () => {
  test('forgets a cloud and everybody who has signed in', async ({ unsigned, world }) => {
    await using session = openSession(unsigned);
    expect(await session.json('cloud list-profiles')).toEqual(['latest']);
    await session.run(`cloud register -n Other --endpoint-resource-manager https://management.${world.domain}`);
    await session.run('cloud unregister -n Other');
    expect(await session.tsv('cloud list --query [].name')).not.toContain('Other');
    await session.run(`login -u ${world.operator.username} -p ${world.operator.password}`);
    await session.run('account clear');
    expect(await session.json('account list')).toEqual([]);
  });
});
