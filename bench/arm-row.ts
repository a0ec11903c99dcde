import { statSync } from 'node:fs';
import { assignment, planeHost, roles } from './azure-client.ts';
import { type Asked, type AzurePlace, type AzurePlan, measureInTurn } from './azure-place.ts';
import { berthLog } from './berth.ts';
import { settledCpuSeconds, treeCpuSeconds } from './cpu.ts';
import type { Figure } from './figures.ts';
import { loggedMs, measureOneByOne } from './one-by-one.ts';
import { median } from './statistics.ts';
import type { TextRequest } from './work.ts';

/** Items of a page of the resource manager. */
const pageSize = 1000;
const registryVersion = 'api-version=2025-11-01';
const findFilter = encodeURIComponent("resourceType eq 'Microsoft.ContainerRegistry/registries'");

/**
 * Server time of requests to the resource manager with a large subscription behind it: each registry asked for once, the
 * list in which az looks a registry up by name, whole, the subscriptions, and a new role assignment.
 */
export async function measureArm(place: AzurePlace, plan: AzurePlan): Promise<Figure[]> {
  const { azure, berth, client } = place;
  const { subscriptionId } = berth;
  const { registries, assignments } = azure.sizes;
  const owner = await client.userToken(azure.operator, 'management');
  const lone = await client.robotToken(azure.lone, 'management');
  const requests = plan.quick ? 100 : 1000;
  const pagesOfFinds = plan.quick ? 2 : 50;
  if ((plan.rounds + 1) * requests > registries) throw new Error('there are not registries enough for so many rounds');

  const loaded = async (operation: string, asked: readonly TextRequest[], expected = 200) => {
    const { cpuMs, logMs } = await measureOneByOne(berth.endpoints.tls, {
      tokens: { owner },
      work: { kind: 'requests', tokenName: 'owner', requests: asked, expected },
      requests: asked.length,
      log: berthLog(azure.folder),
      isOne: (line) => line.operation?.endsWith(`/${operation}`) ?? false,
      signal: plan.signal,
      hostName: planeHost('management'),
    });
    return { cpu: cpuMs, log: median(logMs) };
  };

  const find = (name: string, { who, token, found }: { who: string; token: string; found: number }): Asked => ({
    name: `find-${name}`,
    title: `every page of the list of ${registries} registries, ${who}`,
    measure: () => measureFind(place, { token, found, times: Math.ceil(pagesOfFinds / Math.ceil(found / pageSize)) }),
  });

  return measureInTurn(
    'arm',
    [
      {
        name: 'registry',
        title: `ARM GET of a registry, ${registries} registries, ${assignments} role assignments`,
        measure: (round) => {
          const paths = Array.from({ length: requests }, (_, at) => azure.scope(round * requests + at));
          return loaded(
            'Registries_Get',
            paths.map((path) => ({ method: 'GET', path: `${path}?${registryVersion}` })),
          );
        },
      },
      // The default registry is one more.
      find('owner', { who: 'for the Owner', token: owner, found: registries + 1 }),
      find('lone', { who: 'for who has a role on one', token: lone, found: 1 }),
      {
        name: 'subscriptions',
        title: 'ARM GET /subscriptions',
        measure: () =>
          loaded(
            'Subscriptions_List',
            Array.from({ length: requests }, () => ({ method: 'GET', path: '/subscriptions?api-version=2022-12-01' })),
          ),
      },
      {
        name: 'assign',
        title: 'ARM PUT of a role assignment',
        measure: (round) => {
          const { objectId } = azure.puller;
          const asked = Array.from({ length: plan.quick ? 20 : 100 }, (_, at) => {
            const scope = azure.scope(round * 100 + at);
            const { method, path, body } = assignment(scope, { objectId, role: roles.reader, subscriptionId });
            return { method, path, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
          });
          return loaded('RoleAssignments_Create', asked, 201);
        },
      },
    ],
    plan,
  );
}

/** Follows the list to its end `times` times; CPU and logged time of all its pages together, each time. */
async function measureFind(
  { azure, berth, client }: AzurePlace,
  { token, found, times }: { token: string; found: number; times: number },
): Promise<{ cpu: number; log: number }> {
  const log = berthLog(azure.folder);
  const from = statSync(log).size;
  const { processIds } = berth.endpoints.tls;
  const before = treeCpuSeconds(processIds);
  let pages = 0;
  for (let time = 0; time < times; time++) {
    let path: string | undefined =
      `/subscriptions/${berth.subscriptionId}/resources?$filter=${findFilter}&api-version=2024-11-01`;
    let items = 0;
    while (path !== undefined) {
      const page = (await client.call('management', token, { method: 'GET', path })) as {
        value: unknown[];
        nextLink?: string;
      };
      items += page.value.length;
      pages += 1;
      const next: URL | undefined = page.nextLink === undefined ? undefined : new URL(page.nextLink);
      path = next && next.pathname + next.search;
    }
    if (items !== found) throw new Error(`the list holds ${items} registries, not ${found}`);
  }
  const cpu = ((await settledCpuSeconds(processIds)) - before) * 1000;
  const logged = await loggedMs(log, {
    from,
    isOne: (line) => line.operation?.endsWith('/Resources_List') ?? false,
    count: pages,
  });
  return { cpu: cpu / times, log: logged.reduce((sum, ms) => sum + ms, 0) / times };
}
