import { client } from '../../test/e2e/_client.ts';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import type { TestEngine } from '../content/_engines.ts';
import type { Refusal } from '../content/index.ts';
import { type Exchange, type HttpServer, listen } from '../http/index.ts';
import {
  directory,
  directoryTokens,
  loadSigningKeys,
  type SigningKeyOptions,
  type SigningKeys,
  type Subject,
} from '../identity/index.ts';
import { type Clock, randomIds } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { putPerson, putResources } from './_people-fixture.ts';
import { lazyContracts } from './arm/contracts.ts';
import { managementFront } from './arm/front.ts';
import type { ResourceProvider } from './arm/provider.ts';
import { resourcesProvider } from './resources/provider.ts';

export const tenantId = '00000000-0000-0000-0000-00000000000a';
export const subscriptionId = '00000000-0000-0000-0000-00000000000b';
export const subscription = `/subscriptions/${subscriptionId}`;
export const domain = 'berth.localhost';

export const roles = {
  owner: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
  contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c',
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d',
} as const;

export const registries = 'Microsoft.ContainerRegistry/registries';

const wrapper = localKeyWrapper(new Uint8Array(32).fill(7));
const keys = new WeakMap<Database, Promise<SigningKeys>>();

const keyOptions = (clock: Clock): SigningKeyOptions => ({
  purpose: 'directory',
  clock,
  rotateAfterMs: 90 * 86_400_000,
  tokensLiveMs: 3_600_000,
});

const limits = {
  maxHeaderBytes: 64 * 1024,
  headersTimeoutMs: 10_000,
  idleMs: 60_000,
  maxConnections: 100,
  minBodyRate: 0,
};

/** Somebody with a token of their own, as a client of the resource manager. */
export interface Person {
  readonly subject: Subject;
  readonly token: string;
  ask: ReturnType<typeof client>;
}

export interface WorldOptions {
  readonly engine: TestEngine;
  readonly others?: readonly ResourceProvider[];
  /** The database of the front, for those that fail. */
  readonly database?: Database;
  readonly isDraining?: () => boolean;
}

/** A resource manager on a port of its own, over the database of an engine that worlds share. */
export async function managementWorld(options: WorldOptions) {
  const { engine, others = [] } = options;
  const { clock } = engine;
  const database = options.database ?? engine.database;
  const signing = keys.get(engine.database) ?? loadSigningKeys(engine.database, wrapper, randomIds, keyOptions(clock));
  keys.set(engine.database, signing);
  const people = directory({ database, clock });
  const tokens = directoryTokens({
    keys: await signing,
    clock,
    ids: randomIds,
    tenantId,
    accessLifetimeMs: 3_600_000,
  });
  const refused: Refusal[] = [];
  const failures: unknown[] = [];
  const finished: Exchange[] = [];
  const isDraining = options.isDraining ?? (() => false);
  const resources = resourcesProvider({
    database,
    directory: people,
    ids: randomIds,
    domain,
    tenantId,
    subscriptionId,
    region: 'test',
    others,
    draining: isDraining,
    failedLater: (error) => failures.push(error),
  });
  const front = managementFront({
    domain,
    subscriptionId,
    contracts: await lazyContracts()(),
    providers: [...others, resources],
    database,
    directory: people,
    tokens,
    clock,
    refusals: { note: (refusal) => refused.push(refusal) },
    draining: isDraining,
    failed: (_, error) => failures.push(error),
  });
  const server: HttpServer = await listen({
    listener: { name: 'https', network: 'loopback', scheme: 'http' },
    where: { host: '127.0.0.1', port: 0 },
    limits,
  });
  await server.serve({ handle: front, finished: (exchange) => finished.push(exchange) });
  const address = `127.0.0.1:${server.port}`;
  const host = `management.${domain}`;
  const unique = randomIds.id().slice(0, 8);

  return {
    database,
    clock,
    address,
    host,
    /** Part of names that no other world in this database has. */
    unique,
    refused,
    failures,
    finished,
    tokens,
    deletion: resources.deletion,
    anonymous: client({ address, host }),
    /** Sends with any Authorization header, to any host. */
    as: (authorization: string, to = host) => client({ address, host: to, authorization }),
    /** Makes somebody who has roles at scopes. */
    async person(...given: readonly { role: string; scope: string }[]): Promise<Person> {
      const [objectId, appId, credentialId] = [randomIds.guid(), randomIds.guid(), randomIds.guid()];
      await engine.database.transact(putPerson, { objectId, appId, credentialId, roles: given });
      const subject: Subject = {
        kind: 'service-principal',
        objectId,
        name: appId,
        displayName: appId,
        credentialId,
        expiresAt: null,
      };
      const issued = await tokens.issueAccess({
        subject,
        clientId: appId,
        resource: 'management',
        audience: `https://${host}/`,
        issuer: `https://login.${domain}`,
        version: 2,
      });
      const { token } = issued;
      return { subject, token, ask: client({ address, host, authorization: `Bearer ${token}` }) };
    },
    /** Puts resources into a group as a provider would. */
    put: (group: string, names: readonly string[], more: { tags?: Record<string, string>; type?: string } = {}) =>
      engine.database.transact(putResources, { subscriptionId, group, type: registries, names, ...more }),
    async [Symbol.asyncDispose]() {
      await resources.deletion.settled();
      await server.close({ force: true });
    },
  };
}

export type ManagementWorld = Awaited<ReturnType<typeof managementWorld>>;

/** A path of the resource manager with a version. */
export function at(path: string, query = ''): string {
  return `${path}?api-version=2024-11-01${query === '' ? '' : `&${query}`}`;
}

export function groupId(name: string): string {
  return `${subscription}/resourceGroups/${name}`;
}
