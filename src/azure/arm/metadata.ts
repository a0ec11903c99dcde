import type { PlaneUrls } from '../../kernel/index.ts';
import { parseApiVersion } from './api-version.ts';

/**
 * What a client reads to get to know this cloud (AZ-WIRE §1.2), without signing in. Since 2022 it is one object; the older
 * versions answer a list of clouds, and no client takes one for the other (T-CLD-2).
 */
export function metadataEndpoints(query: URLSearchParams, urls: PlaneUrls, domain: string): unknown {
  const year = Number(parseApiVersion(query).slice(0, 4));
  const cloud = {
    name: 'Berth',
    portal: urls.portal,
    authentication: {
      loginEndpoint: urls.login,
      audiences: [`${urls.management}/`],
      tenant: 'common',
      identityProvider: 'AAD',
    },
    resourceManager: `${urls.management}/`,
    graphAudience: `${urls.graph}/`,
    graph: `${urls.graph}/`,
    microsoftGraphResourceId: `${urls.graph}/`,
    suffixes: {
      acrLoginServer: urls.registrySuffix,
      storage: urls.registrySuffix,
      keyVaultDns: `vault.${domain}`,
    },
  };
  return year >= 2022 ? cloud : [cloud];
}

/** True for the path of the document, also with the double slash that az makes of a trailing one (T-CLD-1). */
export function isMetadataPath(path: string): boolean {
  return /^\/+metadata\/+endpoints\/*$/i.test(path);
}
