/** A public client that exists in every tenant without registration: a tool on somebody's machine, which keeps no secret. */
export interface PublicClient {
  readonly id: string;
  /** As the pages show it. */
  readonly name: string;
}

const known: readonly PublicClient[] = [
  { id: '04b07795-8ddb-461a-bbee-02f9e1bf7b46', name: 'Azure CLI' },
  { id: '1950a258-227b-4e31-a9cf-717495945fc2', name: 'Azure PowerShell' },
];

/** The public client of an id; undefined for every other. */
export function publicClient(id: string): PublicClient | undefined {
  const key = id.toLowerCase();
  return known.find((client) => client.id === key);
}

/** Clients that share refresh tokens: one family, as MSAL calls it. */
export const familyClients: readonly string[] = known.map((client) => client.id);

/**
 * Whether a client may be answered at an address. The tools listen on a free port of the machine that they run on, so any
 * port of loopback will do; whoever has one there has the machine. Anything else needs a registration.
 */
export function isLoopbackRedirect(uri: string): boolean {
  return uri.length <= 100 && /^http:\/\/(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?\/?$/.test(uri) && URL.canParse(uri);
}
