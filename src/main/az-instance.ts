import { type PlaneUrls, planeUrls } from '../kernel/index.ts';
import { askServer } from './management-client.ts';

/** What az needs to know of one running Berth. */
export interface AzInstance {
  readonly domain: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** Who can sign in as an owner of the subscription; null where the server names nobody. */
  readonly operator: string | null;
  /** The planes at the port where Berth listens. */
  readonly direct: PlaneUrls;
  /** Berth's own proxy and the planes as it leads to them, at port 443; null when the proxy is off. */
  readonly proxy: { readonly url: string; readonly planes: PlaneUrls } | null;
}

/** The part of `/status` that is read here. */
interface Status {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly registry: { readonly name: string; readonly loginServer: string };
  readonly endpoints: { readonly proxy?: string };
  readonly operator?: { readonly username: string };
}

/** Asks the server that runs on a data folder. Throws a StartRefusal when none does. */
export async function askInstance(folder: string): Promise<AzInstance> {
  return instanceOf((await askServer(folder, 'GET', '/status')) as unknown as Status);
}

/** The instance that a status tells of. */
export function instanceOf(status: Status): AzInstance {
  const { registry, endpoints } = status;
  // Login servers are made of name, domain, and the port unless it is 443.
  const suffix = registry.loginServer.slice(registry.name.length + 1);
  const domain = suffix.replace(/:[0-9]+$/, '');
  return {
    domain,
    tenantId: status.tenantId,
    subscriptionId: status.subscriptionId,
    operator: status.operator?.username ?? null,
    direct: planeUrls(domain, suffix),
    proxy: endpoints.proxy === undefined ? null : { url: endpoints.proxy, planes: planeUrls(domain, domain) },
  };
}
