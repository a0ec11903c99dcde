import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultPlan, faultyDatabase } from '../../adapters/faulty/index.ts';
import type { EngineFactory, TestEngine } from '../../content/_engines.ts';
import { resourceGroupByKey } from '../../data/index.ts';
import type { Database } from '../../ports/index.ts';
import { toyProvider } from '../_toy-provider.ts';
import { at, groupId, type ManagementWorld, managementWorld, roles, subscription } from '../_world.ts';
import { forgetOperations, transactions } from '../index.ts';

const maxCalls = 60;

/** A database that writes down which transactions were asked for. */
function noting(inner: Database, names: Set<string>): Database {
  return {
    ...inner,
    transact(definition, input) {
      names.add(definition.name);
      return inner.transact(definition, input);
    },
  };
}

/** What is asked of groups while one call to the database fails, before it took effect or after it. */
export function groupFaultsContract(name: string, open: EngineFactory): void {
  describe(`groups on ${name}, with a database that fails`, () => {
    const seen = new Set<string>();
    let engine: TestEngine;
    let sound: ManagementWorld;
    beforeAll(async () => {
      engine = await open();
      sound = await managementWorld({ engine, others: [toyProvider(engine.database).provider] });
    });
    afterAll(async () => {
      await sound[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    });

    const body = JSON.stringify({ location: 'test' });

    describe.each(['before', 'after'] as const)('%s a call took effect', (when) => {
      test.each(['PUT', 'PATCH', 'DELETE', 'GET'])(
        '%s is refused or done, and done when asked again',
        async (method) => {
          const owner = await sound.person({ role: roles.owner, scope: subscription });
          let calls: number | undefined;
          for (let nth = 1; nth <= maxCalls && calls === undefined; nth++) {
            const called = `fault-${when}-${method}-${nth}-${sound.unique}`;
            const path = at(groupId(called));
            if (method !== 'PUT') {
              await owner.ask('PUT', path, { body });
              await sound.put(called, ['a', 'b']);
            }
            const plan = faultPlan({ nth, when });
            const database = noting(faultyDatabase(engine.database, plan), seen);
            const sent =
              method === 'GET' || method === 'DELETE' ? {} : { body: method === 'PUT' ? body : '{"tags":{}}' };
            {
              await using failing = await managementWorld({
                engine,
                database,
                others: [toyProvider(database).provider],
              });
              const answer = await failing.as(`Bearer ${owner.token}`)(method, path, sent);
              await failing.deletion.settled();
              // Never half an answer, and nothing of what happened inside.
              expect([200, 201, 202, 500, 503, 507], answer.text).toContain(answer.status);
              expect(answer.text).not.toMatch(/stack|planned/);
            }
            if (!plan.fired()) calls = nth - 1;
            // What a stop of the process leaves is taken up; then the same request succeeds.
            await sound.deletion.resume();
            const again = await owner.ask(method, path, sent);
            await sound.deletion.settled();
            const row = await engine.database.first(resourceGroupByKey, { key: called.toLowerCase() });
            const wanted =
              method === 'DELETE'
                ? { status: [202, 404], state: 'Deleted' }
                : { status: [200, 201], state: 'Succeeded' };
            expect(wanted.status, again.text).toContain(again.status);
            expect(row?.provisioning_state).toBe(wanted.state);
          }
          expect(calls, `more than ${maxCalls} calls`).toBeGreaterThan(0);
        },
      );
    });

    test('every transaction of the room was among them', async () => {
      await noting(engine.database, seen).transact(forgetOperations, {});
      const known = transactions.map((one) => one.name);
      // Giving a deletion up needs a refusal, which the tests of groups have.
      expect([...seen, 'azure/fail-group-deletion'].filter((one) => one.startsWith('azure/')).toSorted()).toEqual(
        known.toSorted(),
      );
    });
  });
}
