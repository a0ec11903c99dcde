/* oxlint-disable vitest/no-conditional-expect -- the cases of a table expect different things */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataRoute } from '../../src/content/index.ts';
import { type RepositoryAction, repositoryActions } from '../../src/identity/index.ts';
import { type Answer, basic, type Client } from './_client.ts';
import { openUpload } from './_content.ts';
import { gone, here, requestFor, restore, rows, withHeader } from './_matrix.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken, claimsOf, signAs, signingKeyOf } from './_tokens.ts';

const elsewhere = 'other/app';
const second = 'secondone';

/** Who asks. `actions` hold for both repositories; `lists` says whether anything at all may be read. */
interface Principal {
  readonly name: string;
  /** Null where nothing proves who it is, any more or at all. */
  readonly proven: { readonly actions: readonly RepositoryAction[]; readonly lists: boolean } | null;
  readonly basic: string | null;
  readonly bearer: string | null;
}

let berth: Berth;
let principals: Principal[];
beforeAll(async () => {
  berth = await startBerth();
  await berth.operator('POST', '/registries', { name: second, adminEnabled: true });
  await restore(berth);
  principals = await makePrincipals();
});
afterAll(() => berth[Symbol.asyncDispose]());

const everyAction = Object.keys(repositoryActions) as RepositoryAction[];

async function makePrincipals(): Promise<Principal[]> {
  const scopes = [here, gone, elsewhere].map((name) => `repository:${name}:*`);
  const bearerOf = (client: Client) => accessToken(client, ...scopes, 'registry:catalog:*');
  const made: Principal[] = [{ name: 'nobody', proven: null, basic: null, bearer: null }];

  const token = async (name: string, repositories: string[], actions: RepositoryAction[], expiresMs?: number) => {
    const grants = Object.fromEntries(repositories.map((repository) => [repository, actions]));
    const person = await berth.createToken(name, grants, expiresMs);
    return { person, client: berth.as(person), basic: basic(person.username, person.password) };
  };
  for (const action of everyAction) {
    const one = await token(action.replace('/', '-'), [here, gone], [action]);
    const lists = action === 'content/read' || action === 'metadata/read';
    made.push({
      name: `${action} here`,
      proven: { actions: [action], lists },
      basic: one.basic,
      bearer: await bearerOf(one.client),
    });
  }
  const other = await token('elsewhere', [elsewhere], everyAction);
  made.push({
    name: 'everything elsewhere',
    proven: { actions: [], lists: true },
    basic: other.basic,
    bearer: await bearerOf(other.client),
  });

  made.push({
    name: 'the admin',
    proven: { actions: everyAction, lists: true },
    basic: basic(berth.username, berth.password),
    bearer: await bearerOf(berth.admin),
  });
  made.push({ name: 'a wrong password', proven: null, basic: basic(berth.username, 'wrong'), bearer: 'not.a.token' });

  const shown = (await berth.operator('GET', `/registries/${second}/credentials`)) as {
    passwords: { value: string }[];
  };
  const secondBasic = basic(second, shown.passwords[0]?.value ?? '');
  made.push({
    name: 'the admin of another registry',
    proven: null,
    basic: secondBasic,
    bearer: await bearerOf(berth.at(second, secondBasic)),
  });

  const ending = await token('expired', [here, gone], everyAction, Date.now() - 1);
  const good = claimsOf(await bearerOf(berth.admin));
  const expired = await signAs(await signingKeyOf(berth), { ...good, exp: Math.floor(Date.now() / 1000) - 1 });
  made.push({ name: 'an expired token', proven: null, basic: ending.basic, bearer: expired });

  const revoked = await token('revoked', [here, gone], everyAction);
  made.push({ name: 'a revoked token', proven: null, basic: revoked.basic, bearer: await bearerOf(revoked.client) });
  await berth.operator('DELETE', '/registries/-/tokens/revoked');
  return made;
}

/** What the tables say: may this principal use this route? */
function mayUse({ access }: DataRoute, { proven }: Principal): boolean {
  if (proven === null) return false;
  switch (access.kind) {
    case 'signed-in':
      return true;
    case 'catalog':
      return proven.lists;
    case 'repository':
      return proven.actions.includes(access.action);
    case 'token-endpoint':
      throw new Error('the token endpoints decide by themselves');
    default:
      return access satisfies never;
  }
}

/** An answer as far as it may differ only by what was asked. */
function shapeOf(answer: Answer): unknown {
  const {
    date: _date,
    connection: _connection,
    'keep-alive': _keepAlive,
    'x-ms-correlation-request-id': _id,
    ...headers
  } = answer.headers;
  return { status: answer.status, headers, text: answer.text.replaceAll(String(_id), '') };
}

describe.each(['Basic', 'Bearer'] as const)('by %s', (form) => {
  it.each(rows)('$method $id answers exactly those whom the tables allow', async ({ method, route }) => {
    for (const principal of principals) {
      const credential = form === 'Basic' ? principal.basic : principal.bearer;
      const client =
        credential === null
          ? berth.nobody
          : form === 'Basic'
            ? withHeader(berth, credential)
            : berth.bearer(credential);
      const allowed = mayUse(route, principal);
      const needsUpload = route.pattern.includes('{id}');
      const uploader = allowed ? client : berth.admin;
      const upload = needsUpload ? ((await openUpload(uploader, here)).split('/').at(-1) ?? '') : '';
      const ask = (repository: string) => {
        const { path, ...options } = requestFor(route, method, repository, upload);
        return client(method, path, options);
      };
      const answer = await ask(here);
      const where = `${principal.name}: ${answer.status} ${answer.text}`;
      if (allowed) {
        expect(answer.status, where).toBeGreaterThanOrEqual(200);
        expect(answer.status, where).toBeLessThan(300);
        if (method !== 'GET' && method !== 'HEAD') await restore(berth);
        continue;
      }
      expect(answer.status, where).toBe(401);
      expect(answer.headers['www-authenticate'], where).toMatch(/^Bearer realm="/);
      if (route.access.kind !== 'repository') continue;
      const absent = await ask(gone);
      expect(JSON.stringify(shapeOf(absent)).replaceAll(gone, here), where).toBe(JSON.stringify(shapeOf(answer)));
    }
  });
});

describe('a disabled admin', () => {
  it('may use no route, by password or by tokens from before', async () => {
    const admin = principals.find((one) => one.name === 'the admin');
    await berth.operator('PATCH', `/registries/${berth.registry}`, { adminEnabled: false });
    try {
      for (const { method, route } of rows) {
        const { path, ...options } = requestFor(route, method, here, '0'.repeat(36));
        for (const authorization of [String(admin?.basic), `Bearer ${admin?.bearer}`]) {
          expect((await withHeader(berth, authorization)(method, path, options)).status, `${method} ${route.id}`).toBe(
            401,
          );
        }
      }
    } finally {
      await berth.operator('PATCH', `/registries/${berth.registry}`, { adminEnabled: true });
    }
    await restore(berth);
  });
});

describe('a bearer', () => {
  it.each(everyAction)('of the admin that asked for %s opens just the routes of that', async (action) => {
    const bearer = berth.bearer(
      await accessToken(berth.admin, `repository:${here}:${repositoryActions[action].scopeWord}`),
    );
    for (const { method, route } of rows) {
      const { access } = route;
      if (access.kind !== 'repository') continue;
      const upload = route.pattern.includes('{id}')
        ? ((await openUpload(berth.admin, here)).split('/').at(-1) ?? '')
        : '';
      for (const repository of [here, elsewhere]) {
        const { path, ...options } = requestFor(route, method, repository, upload);
        const { status } = await bearer(method, path, options);
        const expected = repository === here && access.action === action;
        expect(status !== 401, `${method} ${path}: ${status}`).toBe(expected);
      }
      if (access.action === action && method !== 'GET' && method !== 'HEAD') await restore(berth);
    }
  });
});

describe('where everybody may pull', () => {
  it('nobody may use the routes that read, and no other', async () => {
    await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: true });
    try {
      for (const { method, route } of rows) {
        const { access } = route;
        const { path, ...options } = requestFor(route, method, here, '0'.repeat(36));
        const reads = access.kind === 'repository' && access.action.endsWith('/read');
        const { status } = await berth.nobody(method, path, options);
        expect({ method, path, status }).toEqual({ method, path, status: reads ? 200 : 401 });
      }
    } finally {
      await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: false });
    }
  });
});
