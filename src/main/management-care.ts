import type { Checks, Registries, Registry } from '../content/index.ts';
import type { Exchange, RouteParameters } from '../http/index.ts';
import { Fault } from '../kernel/index.ts';
import type { Backups } from './backup.ts';

/** What the routes of this file work with. */
export interface CareServices {
  readonly registries: Registries;
  readonly checks: Checks;
  readonly backups: Backups;
}

interface CareCall {
  readonly exchange: Exchange;
  readonly parameters: RouteParameters;
  readonly services: CareServices;
}

/** Checks and backups, as the management socket serves them. Options stand in the query. */
export const careRoutes = [
  { id: 'check.begin', methods: ['POST'], pattern: '/checks' },
  { id: 'check.show', methods: ['GET'], pattern: '/checks/{check}' },
  { id: 'backup.begin', methods: ['POST'], pattern: '/backups' },
  { id: 'backup.show', methods: ['GET'], pattern: '/backups/{backup}' },
  { id: 'check.findings', methods: ['GET'], pattern: '/checks/{check}/findings' },
] as const;

const findingsOfPage = 200;

export const careHandlers: Readonly<Record<(typeof careRoutes)[number]['id'], (call: CareCall) => Promise<void>>> = {
  async 'check.begin'({ exchange, services }) {
    const { query } = exchange;
    const begun = await services.checks.begin({
      registry: await registryOf(services, query.get('registry')),
      bytesPerSecond: rateOf(query.get('rate')),
      restart: query.get('restart') === 'true',
    });
    exchange.sendJson(202, begun);
  },
  async 'check.show'({ exchange, services, parameters }) {
    exchange.sendJson(200, await services.checks.report(idOf(parameters)));
  },
  async 'backup.begin'({ exchange, services }) {
    const { query } = exchange;
    const begun = services.backups.begin({
      target: query.get('target') ?? '',
      withoutKeys: query.get('withoutKeys') === 'true',
      bytesPerSecond: rateOf(query.get('rate')) ?? 0,
    });
    exchange.sendJson(202, begun);
  },
  async 'backup.show'({ exchange, services, parameters }) {
    exchange.sendJson(200, services.backups.report(parameters['backup'] ?? ''));
  },
  async 'check.findings'({ exchange, services, parameters }) {
    const after = exchange.query.get('after') ?? '';
    exchange.sendJson(200, await services.checks.findings(idOf(parameters), { after, limit: findingsOfPage }));
  },
};

async function registryOf(services: CareServices, name: string | null): Promise<Registry | null> {
  if (name === null) return null;
  const registry = await services.registries.byName(name.toLowerCase());
  if (!registry) throw new Fault('not-found', `there is no registry named "${name}"`);
  return registry;
}

function idOf(parameters: RouteParameters): number {
  const text = parameters['check'] ?? '';
  if (!/^[0-9]{1,15}$/.test(text)) throw new Fault('not-found', `there is no check "${text}"`);
  return Number(text);
}

function rateOf(text: string | null): number | null {
  if (text === null) return null;
  if (!/^[0-9]{1,15}$/.test(text)) throw new Fault('request-invalid', '"rate" is a whole number of bytes a second');
  return Number(text);
}
