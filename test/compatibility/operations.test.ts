import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentRoutes } from './_content-effects.ts';
import { armEffects, contentEffects } from './_effects.ts';
import { type Ground, startGround } from './_ground.ts';
import { servedRefusals } from './_refusals.ts';
import { described, pathFor, served } from './_served.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await startGround();
});
afterAll(() => ground[Symbol.asyncDispose]());

const contentOperations = (
  JSON.parse(
    readFileSync(join(import.meta.dirname, '../../contracts/operations/Azure.ContainerRegistry.json'), 'utf8'),
  ) as { operations: { id: string }[] }
).operations.map(({ id }) => id);

/** Values of parameters that make a path which could be right. */
const values = (): Record<string, string> => {
  const [, , subscriptionId = '', , resourceGroupName = '', , , , registryName = ''] =
    ground.azure.registryId.split('/');
  return {
    subscriptionId,
    resourceGroupName,
    registryName,
    scope: ground.azure.registryId.slice(1),
    resourceProviderNamespace: 'Microsoft.ContainerRegistry',
  };
};

describe('every operation that a provider serves', () => {
  it('has an effect that is read back, or a refusal, and nothing else has', () => {
    expect([...Object.keys(armEffects), ...Object.keys(servedRefusals)].toSorted()).toEqual(
      served.map(({ key }) => key).toSorted(),
    );
  });

  it.each(Object.entries(armEffects))('%s does what it says', async (key, effect) => {
    ground.done.clear();
    await effect(ground);
    // An effect that never did its operation would prove nothing.
    expect([...ground.done]).toContain(key);
  });

  it.each(Object.entries(servedRefusals))('%s is refused', async (key, { status, code }) => {
    const one = served.find((each) => each.key === key);
    if (one === undefined) throw new Error(`nobody serves ${key}`);
    const answer = await ground.send(one.operation.method, pathFor(one.operation, values()));
    expect({ status: answer.status, code: answer.json<{ error: { code: string } }>().error.code }).toEqual({
      status,
      code,
    });
  });
});

describe('every other operation', () => {
  const rest = described.filter(({ operation, handler }) => handler === undefined && operation.sameAs === undefined);

  it.each(rest.map((one) => [one.key, one] as const))('%s is refused by its name', async (_, { operation }) => {
    const body = ['PUT', 'PATCH', 'POST'].includes(operation.method) ? {} : undefined;
    const answer = await ground.send(operation.method, pathFor(operation, values()), body);
    expect(answer.status, answer.text).toBe(400);
    // An answer to HEAD has no words.
    if (operation.method === 'HEAD') return;
    const message = `${operation.namespace} ${operation.id} is not there yet in this version of Berth`;
    expect(answer.json()).toMatchObject({ error: { code: 'FeatureNotSupported', message } });
  });
});

describe('every operation on content', () => {
  it('has a route, and an effect that is read back', () => {
    expect(Object.keys(contentRoutes).toSorted()).toEqual(contentOperations.toSorted());
    expect(Object.keys(contentEffects).toSorted()).toEqual(contentOperations.toSorted());
  });

  it.each(Object.entries(contentEffects))('%s does what it says', async (id, effect) => {
    ground.done.clear();
    await effect(ground);
    expect([...ground.done]).toContain(contentRoutes[id]);
  });
});
