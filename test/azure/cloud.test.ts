import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { locatePython } from '../../tools/clients/locate.ts';
import { finish, run } from '../clients/_process.ts';
import { program } from '../clients/_world.ts';
import { type Az, describe, expect, freshAz, lacksAz, test, throughProxy } from './_az.ts';

interface Cloud {
  readonly name: string;
  readonly isActive: boolean;
  readonly endpoints: Record<string, string>;
  readonly suffixes: Record<string, string>;
}

const cloudOf = (az: Az) => az.json<Cloud>('cloud show');
/** Arguments of Berth's command line, with the az of the tests. */
const berthEnv = (more: NodeJS.ProcessEnv = {}) => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BERTH_'))),
  BERTH_AZ: locatePython('az'),
  ...more,
});

describe.skipIf(lacksAz())('az', () => {
  test('finds every endpoint by the one of the resource manager', async ({ world }) => {
    const az = await freshAz(world);
    await az.run(`cloud register -n Berth --endpoint-resource-manager https://management.${world.domain}`);
    await az.run('cloud set -n Berth');
    const cloud = await cloudOf(az);
    expect(cloud).toMatchObject({
      name: 'Berth',
      isActive: true,
      endpoints: {
        activeDirectory: `https://login.${world.domain}`,
        activeDirectoryResourceId: `https://management.${world.domain}/`,
        management: `https://management.${world.domain}/`,
        microsoftGraphResourceId: `https://msgraph.${world.domain}/`,
        resourceManager: `https://management.${world.domain}`,
      },
      suffixes: { acrLoginServerEndpoint: `.${world.domain}` },
    });
    expect(
      await az.refused(`cloud register -n Berth --endpoint-resource-manager https://management.${world.domain}`),
    ).toContain('already registered');
    await az.run(`cloud update -n Berth --endpoint-resource-manager https://management.${world.domain}`);
    expect(await cloudOf(az)).toEqual(cloud);
  });

  test('takes the endpoint with a slash at its end, and from a file', async ({ world }) => {
    const az = await freshAz(world);
    await az.run(`cloud register -n Slash --endpoint-resource-manager https://management.${world.domain}/`);
    const file = join(world.folder, 'cloud.json');
    await writeFile(file, JSON.stringify({ endpoints: { resourceManager: `https://management.${world.domain}` } }));
    await az.run(`cloud register -n File --cloud-config @${file}`);
    for (const name of ['Slash', 'File']) {
      const { endpoints } = await az.json<Cloud>(`cloud show -n ${name}`);
      expect(endpoints['activeDirectory']).toBe(`https://login.${world.domain}`);
    }
  });

  test('needs one variable only, and no cloud that somebody registered', async ({ world }) => {
    const az = await freshAz(world, {
      ...throughProxy(world),
      ARM_CLOUD_METADATA_URL: `https://management.${world.domain}/metadata/endpoints?api-version=2019-05-01`,
      AZURE_CORE_INSTANCE_DISCOVERY: 'false',
    });
    expect(await az.json<Cloud[]>('cloud list')).toMatchObject([{ name: 'Berth', isActive: true }]);
    await az.run(`login -u ${world.operator.username} -p ${world.operator.password}`);
    expect(await az.tsv('account show --query id')).toBe(world.subscriptionId);
  });

  test('says which endpoint it could not reach when the authority is not trusted', async ({ world }) => {
    const az = await freshAz(world, { HTTPS_PROXY: world.proxy, NO_PROXY: '' });
    const said = await az.refused(
      `cloud register -n Berth --endpoint-resource-manager https://management.${world.domain}`,
    );
    expect(said).toContain('CERTIFICATE_VERIFY_FAILED');
  });
});

describe.skipIf(lacksAz())('berth az', () => {
  test('runs the real az on this Berth, in a configuration of its own', async ({ world }) => {
    const home = join(world.folder, 'somebody');
    const az = (...args: string[]) =>
      run(process.execPath, [program, 'az', '--data', world.data, '--', ...args], berthEnv({ HOME: home }));
    const cloud = JSON.parse((await az('cloud', 'show')).stdout) as Cloud;
    expect(cloud.endpoints['resourceManager']).toBe(`https://management.${world.domain}`);
    await az('login', '-u', world.operator.username, '-p', world.operator.password);
    expect((await az('account', 'show', '--query', 'id', '-o', 'tsv')).stdout).toBe(`${world.subscriptionId}\n`);
    expect((await az('acr', 'list', '--query', '[].name', '-o', 'tsv')).stdout).toMatch(/^[a-z0-9]+\n$/);
    await expect(stat(join(home, '.azure'))).rejects.toThrow('ENOENT');
    expect(await readFile(join(world.data, 'az', 'config'), 'utf8')).toContain('collect_telemetry = no');
    const failed = [program, 'az', '--data', world.data, 'group', 'show', '-n', 'nothere'];
    expect(await finish(process.execPath, failed, berthEnv({ HOME: home }))).toMatchObject({ code: 3 });
  });
});

describe.skipIf(lacksAz())('berth az-setup', () => {
  test.for(['--proxy', '--run'] as const)(
    '%s gives what the user’s own az needs to sign in',
    async (way, { world }) => {
      const az = await freshAz(world, {});
      // The lines as a shell evaluates them; they end with a sign-in that would ask for the password.
      const bin = locatePython('az') ?? '';
      const setup = `eval "$('${process.execPath}' '${program}' az-setup --data '${world.data}' --proxy ${way} | sed 's/^az login.*/& --password "$PASSWORD"/')"`;
      const script = `${setup}\naz account show --query id -o tsv`;
      const env = {
        ...az.env,
        BERTH_AZ: bin,
        PASSWORD: world.operator.password,
        PATH: `${join(bin, '..')}:${az.env['PATH']}`,
      };
      const { stdout } = await run('bash', ['--norc', '-euo', 'pipefail', '-c', script], env);
      expect(stdout.trimEnd().split('\n').at(-1)).toBe(world.subscriptionId);
    },
  );
});
