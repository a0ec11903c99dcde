/* oxlint-disable vitest/no-conditional-expect -- the cases of a table expect different things */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataRoute } from '../../src/content/index.ts';
import { builtInRoles, type Role } from '../../src/identity/index.ts';
import { type Azure, azureOf } from './_azure.ts';
import { basic } from './_client.ts';
import { openUpload } from './_content.ts';
import { gone, here, requestFor, restore, rows, withHeader } from './_matrix.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken } from './_tokens.ts';

const second = 'secondone';
const modes = ['LegacyRegistryPermissions', 'AbacRepositoryPermissions'] as const;
type Mode = (typeof modes)[number];

/** Somebody of the directory with one role, or none that counts here. */
interface Holder {
  readonly name: string;
  readonly role: Role | null;
  readonly basic: string;
  bearer: string;
}

let berth: Berth;
let azure: Azure;
let holders: Holder[];
beforeAll(async () => {
  berth = await startBerth();
  azure = await azureOf(berth);
  await berth.operator('POST', '/registries', { name: second, adminEnabled: true });
  await restore(berth);
  holders = await makeHolders();
}, 120_000);
afterAll(() => berth[Symbol.asyncDispose]());

async function makeHolders(): Promise<Holder[]> {
  const made: Holder[] = [];
  const add = async (name: string, role: Role | null, given: Role | null, scope: string) => {
    const robot = await azure.robot(name);
    if (given !== null) await azure.assign(robot.objectId, given.id, scope);
    made.push({ name, role, basic: basic(robot.appId, robot.secret), bearer: '' });
  };
  for (const role of builtInRoles) await add(role.name, role, role, azure.registryId);
  const owner = builtInRoles.find((role) => role.name === 'Owner') ?? null;
  await add('nobody', null, null, '');
  await add('an Owner of another registry', null, owner, azure.registryId.replace(berth.registry, second));
  await add('an Owner of the group', owner, owner, azure.registryId.split('/providers/')[0] ?? '');
  return made;
}

const namespace = 'Microsoft.ContainerRegistry/registries';
/** What ACR-FACTS §5 says of each right on content: an action of the resource manager, or data actions. */
const legacyAction: Readonly<Record<string, string>> = {
  'content/read': 'pull/read',
  'metadata/read': 'pull/read',
  'content/write': 'push/write',
  'metadata/write': 'push/write',
  'content/delete': 'artifacts/delete',
  'catalog/read': 'pull/read',
};

/** Read from the definition of the role, by other means than the server's. */
function allows(role: Role, mode: Mode, action: string): boolean {
  const legacy = mode === 'LegacyRegistryPermissions';
  const path = action === 'catalog/read' ? action : `repositories/${action}`;
  const wanted = `${namespace}/${legacy ? legacyAction[action] : path}`.toLowerCase();
  const covers = (pattern: string): boolean => {
    const expression = pattern.toLowerCase().replaceAll('.', '[.]').replaceAll('*', '.*');
    return new RegExp(`^${expression}$`).test(wanted);
  };
  return role.permissions.some(
    (one) =>
      (legacy ? one.actions : one.dataActions).some(covers) &&
      !(legacy ? one.notActions : one.notDataActions).some(covers),
  );
}

function mayUse({ access }: DataRoute, { role }: Holder, mode: Mode): boolean {
  switch (access.kind) {
    case 'signed-in':
      return true;
    case 'catalog':
      return role !== null && allows(role, mode, 'catalog/read');
    case 'repository':
      return role !== null && allows(role, mode, access.action);
    case 'token-endpoint':
      throw new Error('the token endpoints decide by themselves');
    default:
      return access satisfies never;
  }
}

describe.each(modes)('under %s', (mode) => {
  beforeAll(async () => {
    const path = `${azure.registryId}?api-version=2025-11-01`;
    const changed = await azure.arm('PATCH', path, { properties: { roleAssignmentMode: mode } });
    if (changed.status >= 300) throw new Error(`the mode cannot be changed: ${changed.text}`);
    const scopes = [`repository:${here}:*`, `repository:${gone}:*`, 'registry:catalog:*'];
    for (const holder of holders) holder.bearer = await accessToken(withHeader(berth, holder.basic), ...scopes);
  }, 120_000);

  describe.each(['Basic', 'Bearer'] as const)('by %s', (form) => {
    it.each(rows)('$method $id answers exactly those whose roles allow it', async ({ method, route }) => {
      for (const holder of holders) {
        const client = withHeader(berth, form === 'Basic' ? holder.basic : `Bearer ${holder.bearer}`);
        const allowed = mayUse(route, holder, mode);
        const uploader = allowed ? client : berth.admin;
        const upload = route.pattern.includes('{id}')
          ? ((await openUpload(uploader, here)).split('/').at(-1) ?? '')
          : '';
        const { path, ...options } = requestFor(route, method, here, upload);
        const answer = await client(method, path, options);
        const where = `${holder.name}: ${answer.status} ${answer.text}`;
        if (allowed) {
          expect(answer.status, where).toBeGreaterThanOrEqual(200);
          expect(answer.status, where).toBeLessThan(300);
          if (method !== 'GET' && method !== 'HEAD') await restore(berth);
        } else {
          expect(answer.status, where).toBe(401);
          expect(answer.headers['www-authenticate'], where).toMatch(/^Bearer realm="/);
        }
      }
    });
  });
});

describe('where roles count repository by repository', () => {
  const holderOf = (name: string): string => holders.find((one) => one.name === name)?.basic ?? '';

  it('the Catalog Lister lists every name, and reads nothing', async () => {
    const client = withHeader(berth, holderOf('Container Registry Repository Catalog Lister'));
    const listed = await client('GET', '/v2/_catalog');
    expect(listed.json()).toEqual({ repositories: [here] });
  });

  it('there is no token for every repository at once, and one for the repository', async () => {
    const client = withHeader(berth, holderOf('Container Registry Repository Contributor'));
    const everywhere = berth.bearer(await accessToken(client, 'repository:*:*'));
    expect((await everywhere('GET', `/v2/${here}/manifests/v1`)).status).toBe(401);
    const one = berth.bearer(await accessToken(client, `repository:${here}:*`));
    expect((await one('GET', `/v2/${here}/manifests/v1`)).status).toBe(200);
  });

  it('the passwords of the registry itself go on as before', async () => {
    expect((await berth.admin('GET', '/v2/_catalog')).status).toBe(200);
    expect((await berth.admin('GET', `/v2/${here}/manifests/v1`)).status).toBe(200);
  });
});
