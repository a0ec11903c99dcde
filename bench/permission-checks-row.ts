import { pulledRepository } from './azure-folder.ts';
import type { AzurePlace, AzurePlan } from './azure-place.ts';
import { tagName } from './big-folder.ts';
import type { Endpoint } from './contenders.ts';
import { cpuPerRequest } from './cpu-per-request.ts';
import { type Figure, figure } from './figures.ts';
import { endpointTokens } from './tokens.ts';
import type { Work } from './work.ts';

const connections = 16;
const sides = ['admin', 'robot'] as const;
type SideName = (typeof sides)[number];
const ways = ['again', 'once'] as const;

/** Tags that this row asks for, at most so many times one by one. */
export function tagsFor({ rounds, quick }: Pick<AzurePlan, 'rounds' | 'quick'>): number {
  return (rounds + 1) * sides.length * requestsOf('once', quick) + 1;
}

function requestsOf(way: (typeof ways)[number], quick: boolean): number {
  if (quick) return 200;
  return way === 'again' ? 10_000 : 3000;
}

/**
 * CPU of a manifest GET with the token of a service principal that has AcrPull on the registry, and with that of the admin
 * user, who needs no role: the same tag again and again, which is answered from memory, and tags that nobody asked for
 * before, which go the whole way.
 */
export async function measurePermissionChecks({ azure, berth }: AzurePlace, plan: AzurePlan): Promise<Figure[]> {
  const endpoint = berth.endpoints.token;
  const tokenOf = async (credentials: Endpoint['credentials']): Promise<string> =>
    (await endpointTokens({ ...endpoint, credentials })).forScope(`repository:${pulledRepository}:pull`);
  const tokens = { admin: await tokenOf(azure.credentials), robot: await tokenOf(azure.puller) };
  let unasked = 1;
  const figures: Figure[] = [];
  for (const way of ways) {
    const count = requestsOf(way, plan.quick);
    const pathsOf = (): string[] => {
      const indexes = way === 'again' ? [0] : Array.from({ length: count }, () => unasked++);
      return indexes.map((index) => `/v2/${pulledRepository}/manifests/${tagName(index)}`);
    };
    const values: Record<SideName, number[]> = { admin: [], robot: [] };
    for (let round = 0; round <= plan.rounds; round++) {
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        plan.signal.throwIfAborted();
        const work: Work = { kind: 'get-pages', tokenName: side, paths: pathsOf() };
        const cpu = await cpuPerRequest(endpoint, { tokens, work, connections, count, signal: plan.signal });
        plan.say(`  permission-checks ${way} ${side}: ${cpu.toFixed(4)} CPU-ms`);
        if (round > 0) values[side].push(cpu);
      }
    }
    const title = `manifest GET, ${way === 'again' ? 'the same tag' : 'a new tag each'}, ${connections} conn`;
    const named = (name: string, text: string, unit: string, all: readonly number[]): Figure =>
      figure({
        name: `permission-checks/${way}/${name}`,
        title: `${title}: ${text}`,
        unit,
        side: 'berth',
        values: all,
      });
    figures.push(
      named('admin', 'CPU with the token of the admin user', 'ms', values.admin),
      named('robot', 'CPU with that of a service principal', 'ms', values.robot),
      named(
        'ratio',
        'service principal over admin, CPU',
        'x',
        values.robot.map((each, round) => each / (values.admin[round] ?? Number.NaN)),
      ),
    );
  }
  return figures;
}
