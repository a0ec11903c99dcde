/** Where the planes of one Berth are, as seen by a client: base URLs without slash at the end. */
export interface PlaneUrls {
  readonly management: string;
  readonly login: string;
  readonly graph: string;
  readonly storage: string;
  readonly portal: string;
  /** What follows the name of a registry in its login server: domain, and port unless it is 443. */
  readonly registrySuffix: string;
}

/**
 * The planes as whoever asks for `host` (`Host` of a request that reached one of them) can reach them: under the same port.
 * Through the proxy on loopback, or in front of a mapped port, that is another one than Berth listens on.
 */
export function planeUrls(domain: string, host: string): PlaneUrls {
  const port = Number(/:([0-9]{1,5})$/.exec(host)?.[1] ?? 443);
  // A `Host` can name a port that is none, of which no URL can be made.
  const suffix = port === 443 || port < 1 || port > 65_535 ? domain : `${domain}:${port}`;
  const url = (label: string): string => `https://${label}.${suffix}`;
  return {
    management: url('management'),
    login: url('login'),
    // Microsoft Graph has this label; `graph` is kept for the older one, which no client calls.
    graph: url('msgraph'),
    storage: url('storage'),
    portal: url('portal'),
    registrySuffix: suffix,
  };
}
