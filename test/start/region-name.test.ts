import { expect, test } from 'vitest';
import { armClient } from '../e2e/_arm.ts';
import { anyPorts, openScratch } from './_program.ts';

const args = ['--domain', 'e2e.localhost', ...anyPorts];

test('the region keeps the name of the first start: a later one lists it, and makes groups and registries in it', async () => {
  await using scratch = await openScratch();
  const first = scratch.up([...args, '--region-name', 'eastus']);
  const { operator } = await first.ready();
  if (operator === undefined) throw new Error('a first start names its operator');
  expect((await first.stop()).code).toBe(0);

  const second = scratch.up([...args, '--region-name', 'westeurope']);
  const { caFile, subscriptionId, registry } = await second.ready();
  const arm = await armClient({ caFile, subscriptionId, loginServer: registry.loginServer, operatorUser: operator });
  const locations = await arm('GET', `${arm.subscription}/locations`);
  expect(locations.json<{ value: { name: string }[] }>().value.map(({ name }) => name)).toEqual(['eastus']);

  const group = `${arm.subscription}/resourceGroups/team`;
  const elsewhere = await arm('PUT', group, { json: { location: 'westeurope' } });
  expect([elsewhere.status, elsewhere.text]).toEqual([400, expect.stringContaining("there is 'eastus'")]);
  expect((await arm('PUT', group, { json: { location: 'East US' } })).status).toBe(201);
  const path = `${group}/providers/Microsoft.ContainerRegistry/registries/team01`;
  const made = await arm('PUT', path, { json: { location: 'eastus', sku: { name: 'Basic' } } });
  expect([200, 201], made.text).toContain(made.status);
  expect((await second.stop()).code).toBe(0);
});
