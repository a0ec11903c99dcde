import { expect, test } from 'vitest';
import { type ArmClient, armClient, untilDone } from '../e2e/_arm.ts';
import { anyPorts, openScratch, type Ready, untilGone } from './_program.ts';

const registries = 80;
const args = ['--domain', 'e2e.localhost', ...anyPorts];

async function clientOf(ready: Ready, operator: NonNullable<Ready['operator']>): Promise<ArmClient> {
  const { caFile, subscriptionId, registry } = ready;
  return armClient({ caFile, subscriptionId, loginServer: registry.loginServer, operatorUser: operator });
}

test('a group whose deletion was interrupted by kill -9 is gone after the next start, and so is everything in it', async () => {
  await using scratch = await openScratch();
  const first = scratch.up(args);
  const ready = await first.ready();
  const { operator } = ready;
  if (operator === undefined) throw new Error('a first start names its operator');
  const arm = await clientOf(ready, operator);
  const group = `${arm.subscription}/resourceGroups/doomed`;
  expect((await arm('PUT', group, { json: { location: 'local' } })).status).toBe(201);
  for (let count = 0; count < registries; count++) {
    const path = `${group}/providers/Microsoft.ContainerRegistry/registries/doomed${count}`;
    const made = await arm('PUT', path, { json: { location: 'local', sku: { name: 'Basic' } } });
    expect([200, 201], made.text).toContain(made.status);
  }
  const removed = await arm('DELETE', group);
  process.kill(ready.pid, 'SIGKILL');
  expect(removed.status).toBe(202);
  await untilGone(ready.pid);

  const second = scratch.up(args);
  const again = await clientOf(await second.ready(), operator);
  // It was interrupted: something is left, and the group says what becomes of it.
  expect((await again('GET', group)).json()).toMatchObject({ properties: { provisioningState: 'Deleting' } });
  const left = await again('GET', `${group}/resources`);
  expect(left.json<{ value: unknown[] }>().value.length).toBeGreaterThan(0);
  expect((await untilDone(again, removed.headers.location)).status).toBe(200);
  expect((await again('GET', group)).status).toBe(404);
  const all = await again('GET', `${again.subscription}/resources`);
  expect(all.text).not.toContain('doomed');
  expect((await second.stop()).code).toBe(0);
});
