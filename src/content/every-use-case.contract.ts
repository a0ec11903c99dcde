import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultPlan, faultyBlobStore, faultyDatabase } from '../adapters/faulty/index.ts';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import * as data from '../data/index.ts';
import * as identity from '../identity/index.ts';
import { type Clock, randomIds } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { type Context, type Entry, everyUseCase, machineOf, otherWork, type Services } from './_every-use-case.ts';
import { bytesOf, repo, testWorld } from './_world.ts';
import * as content from './index.ts';

const maxCalls = 60;
const wrapper = localKeyWrapper(new Uint8Array(32).fill(7));
const keyOptions = (clock: Clock) => ({
  purpose: 'registry' as const,
  clock,
  rotateAfterMs: Number.MAX_SAFE_INTEGER,
  tokensLiveMs: 0,
});

/** Functions behind the doors of content and identity: those that make the services above, and those that reach no port. */
const serviceMakers = {
  uploads: 'uploads',
  blobs: 'blobs',
  manifests: 'manifests',
  metadata: 'metadata',
  catalog: 'catalog',
  registries: 'registries',
  pulls: 'pulls',
  credentials: 'credentialService',
  authenticator: 'authenticator',
  tokens: 'tokenService',
  refusals: 'refusals',
  checks: 'checks',
  objectRemoval: 'objectRemoval',
  directory: 'directory',
  accounts: 'accounts',
  sessions: 'signInSessions',
  signIns: 'signIns',
  usage: 'usage',
  applications: 'applications',
  assignments: 'roleAssignments',
  people: 'people',
} satisfies Record<keyof Services, string>;
/**
 * `bodyCache` and `dataPlane` join services; `loadSigningKeys` has a test of its own below. Those after `pace` work at the
 * file of a snapshot, in the hands of the one backup that made it: when a call fails, the backup fails and removes the file.
 */
const otherFunctions = [
  'bodyCache',
  'dataPlane',
  'parseRegistryName',
  'loadSigningKeys',
  'decide',
  'grantAccess',
  'isRepositoryAction',
  'rightsOn',
  'listedRanges',
  'isTenant',
  'keptAnswers',
  'rateLimits',
  'explainDenial',
  'isWorthKeeping',
  'refusalOf',
  'missingCredential',
  'identityOf',
  'backupKey',
  'backupLocation',
  'pace',
  'damagedBodies',
  'loseBodyInSnapshot',
  'loseInSnapshot',
  'tagsTouched',
  'unnamedInBackup',
  'directoryTokens',
  'openIdentityProvider',
  'passwordHasher',
  'nameOf',
  'permits',
  'roleById',
  'tokensBeyond',
  'checkExport',
  'normalLocation',
  'registryRule',
  'forgetAssignmentsOf',
];

const named: [string, Entry][] = [
  ...Object.entries(everyUseCase).flatMap(([service, entries]) =>
    Object.entries(entries).map(([method, entry]): [string, Entry] => [`${service}.${method}`, entry]),
  ),
  ...Object.entries(otherWork),
];

/** A database that writes down which transactions were asked for. */
function noting(inner: Database, names: Set<string>): Database {
  return {
    dialect: inner.dialect,
    lost: inner.lost,
    generation: () => inner.generation(),
    snapshot: (file) => inner.snapshot(file),
    all: (statement, parameters) => inner.all(statement, parameters),
    first: (statement, parameters) => inner.first(statement, parameters),
    transact(definition, input) {
      names.add(definition.name);
      return inner.transact(definition, input);
    },
    close: () => inner.close(),
  };
}

/** Every use-case that there is meets a failure of each call that it makes to a port. */
export function everyUseCaseContract(name: string, open: EngineFactory): void {
  describe(`every use-case on ${name}`, () => {
    const seen = new Set<string>();
    let engine: TestEngine;
    let keys: identity.SigningKeys;
    beforeAll(async () => {
      engine = await open();
      keys = await identity.loadSigningKeys(
        noting(engine.database, seen),
        wrapper,
        randomIds,
        keyOptions(engine.clock),
      );
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    async function newContext(): Promise<Omit<Context, 'nth'> & AsyncDisposable> {
      const world = await testWorld({ engine });
      const access = { ...world.registry, audience: `${world.registry.name}.berth.localhost` };
      const sound = machineOf(world, keys);
      return { world, access, sound, given: {}, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
    }

    describe.each(['before', 'after'] as const)('when a call fails %s it took effect', (when) => {
      test.each(named)('%s breaks no promise, and succeeds when it is asked for again', async (_, entry) => {
        await using base = await newContext();
        const { world } = base;
        const kept = await world.pushImage(repo('kept/app'), { layers: [bytesOf('kept', 70_000)], tag: 'v1' });
        let calls: number | undefined;
        for (let nth = 1; nth <= maxCalls && calls === undefined; nth++) {
          const context: Context = { ...base, nth };
          await entry.prepare?.(context);
          const plan = faultPlan({ nth, when });
          const failing = machineOf(world, keys, {
            database: faultyDatabase(noting(world.database, seen), plan),
            blobs: faultyBlobStore(world.objects, plan),
          });
          const failure: unknown = await entry.work(failing, context).then(
            () => null,
            (error: unknown) => error,
          );
          if (!plan.fired()) {
            if (failure !== null) throw failure;
            calls = nth - 1;
            break;
          }
          // An error of the entry's own: what it looked at is not as it should be.
          if (failure instanceof Error && failure.name === 'Error') throw failure;
          if (!entry.damages) await world.check();
          await entry.work(context.sound, context);
          await world.check();
          expect((await world.find(repo('kept/app'), 'v1')).digest).toBe(kept);
        }
        expect(calls, `more than ${maxCalls} calls`).toBeDefined();
        expect(calls !== 0, 'reaches a port').toBe(entry.portless !== true);
      });

      test('the first signing key is made once, and the next start finds it', async () => {
        const outcomes: string[] = [];
        const load = (some: Database) => identity.loadSigningKeys(some, wrapper, randomIds, keyOptions(engine.clock));
        for (let nth = 1, fired = true; fired; nth++) {
          await using fresh = await open();
          const plan = faultPlan({ nth, when });
          const database = faultyDatabase(fresh.database, plan);
          const [outcome] = await Promise.allSettled([load(database)]);
          outcomes.push(outcome.status);
          fired = plan.fired();
          const made = await load(fresh.database);
          const again = await load(fresh.database);
          expect(again.signing.kid).toBe(made.signing.kid);
        }
        // Reading, writing and reading again fail once each; then there is nothing left to fail.
        expect(outcomes).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
      }, 120_000);
    });

    test('has an entry: each method, each function behind the doors, each transaction', async () => {
      await using context = await newContext();
      const methods = Object.keys(serviceMakers).flatMap((service) =>
        Object.keys(context.sound[service as keyof Services]).map((method) => `${service}.${method}`),
      );
      const entries = named.map(([entry]) => entry).filter((entry) => !(entry in otherWork));
      expect(entries.toSorted()).toEqual(methods.toSorted());
      const doors = Object.entries({ ...content, ...identity });
      const functions = doors.filter(([, value]) => typeof value === 'function').map(([one]) => one);
      const swept = named.flatMap(([, entry]) => entry.functions ?? []);
      expect(functions.toSorted()).toEqual([...Object.values(serviceMakers), ...otherFunctions, ...swept].toSorted());
      const transactions = [data, identity, content].flatMap((room) => room.transactions.map((one) => one.name));
      expect([...seen].toSorted()).toEqual(transactions.toSorted());
    });
  });
}
