import type { Exchange } from '../http/index.ts';

/** The planes besides those of the registries, and the first labels of the hosts that each answers on. */
export const planeLabels = { management: 'management', login: 'login', graph: 'graph', msgraph: 'graph' } as const;

export type PlaneName = (typeof planeLabels)[keyof typeof planeLabels];

export type Handle = (exchange: Exchange) => Promise<void> | undefined;

/** Hosts that are remembered; more come only from who makes them up. */
const maxRemembered = 1000;

/**
 * Leads a request to the plane that its host names, and every other to the registries. Passwords and tokens for the planes
 * cross no plain connection: there their hosts are names like any other, which no registry can have.
 */
export function planesByHost(options: {
  readonly domain: string;
  readonly planes: Readonly<Partial<Record<PlaneName, Handle>>>;
  readonly registries: Handle;
}): Handle {
  const { planes, registries } = options;
  const remembered = new Map<string, Handle>();
  const find = (host: string): Handle => {
    const plane = planeOfHost(host, options.domain);
    return (plane && planes[plane]) ?? registries;
  };
  return (exchange) => {
    if (exchange.listener.scheme !== 'https') return registries(exchange);
    let handle = remembered.get(exchange.host);
    if (handle === undefined) {
      handle = find(exchange.host);
      if (remembered.size < maxRemembered) remembered.set(exchange.host, handle);
    }
    return handle(exchange);
  };
}

/** The plane that answers on a host; undefined for the registries' own and foreign ones. */
export function planeOfHost(host: string, domain: string): PlaneName | undefined {
  const name = host.toLowerCase().replace(/:[0-9]{1,5}$/, '');
  if (!name.endsWith(`.${domain}`)) return undefined;
  const label = name.slice(0, -domain.length - 1);
  return Object.hasOwn(planeLabels, label) ? planeLabels[label as keyof typeof planeLabels] : undefined;
}
