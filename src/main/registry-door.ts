import type { Registries, Registry, RegistryDoor } from '../content/index.ts';
import type { Exchange } from '../http/index.ts';

/**
 * Which registry a request is for. Under the domain the first label names it. The plain listener serves the first registry
 * under any other host, as does the one for proxies, and so does TLS for addresses of this machine, because clients on it dial `localhost`.
 */
export function registryDoor(options: {
  registries: Registries;
  domain: string;
  publicPort: () => number;
}): RegistryDoor {
  const { registries } = options;
  const suffix = `.${options.domain}`;
  return {
    async find(exchange: Exchange): Promise<Registry | undefined> {
      const host = hostName(exchange.host);
      if (host.endsWith(suffix)) return registries.byName(host.slice(0, -suffix.length));
      if (exchange.listener.scheme === 'http' || exchange.listener.name === 'ingress' || localHosts.has(host))
        return registries.default();
      return undefined;
    },
    canonical(registry) {
      const port = options.publicPort();
      return `${registry.name}${suffix}${port === 443 || port === 0 ? '' : `:${port}`}`;
    },
  };
}

const localHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The host name in lower case, without port. */
function hostName(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') + 1 : host.indexOf(':');
  return (end <= 0 ? host : host.slice(0, end)).toLowerCase();
}
