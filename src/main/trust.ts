import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../kernel/index.ts';
import type { KeyWrapper } from '../ports/index.ts';
import type { KeyedCertificate } from './certificates.ts';
import { writeDurably } from './durable-file.ts';
import { StartRefusal } from './start-refusal.ts';

/** Certificates of Berth's own authority, made when a client asks for a name that exists. */
export interface TrustStore {
  /** Certificate of the authority, for people to trust. */
  readonly caFile: string;
  readonly caPem: string;
  /**
   * The certificate for the server name of a TLS hello, or undefined when no such name exists here. Without a name, and
   * for `localhost` and addresses, one for `localhost`, 127.0.0.1 and ::1.
   */
  secureContextFor(servername: string | undefined): Promise<SecureContext | undefined>;
  /**
   * The certificate for `localhost`, 127.0.0.1 and ::1 as PEM. Node asks no SNICallback for a client without a server name
   * (one that connects by address), so the listener takes this as its own and calls `setSecureContext` with a new one
   * when `renewAt` (Unix milliseconds) has come.
   */
  localCertificate(): Promise<KeyedCertificate & { readonly renewAt: number }>;
}

export interface TrustStoreOptions {
  /** The data folder; `ca.pem` and `ca.json` live there. */
  readonly folder: string;
  readonly domain: string;
  readonly keyWrapper: KeyWrapper;
  readonly clock: Clock;
  /** Whether Berth answers on this host. Asked at every TLS hello, with a lower-case name inside the domain. */
  readonly nameExists: (host: string) => Promise<boolean>;
  /** Most certificates kept in memory; the least recently used go first. */
  readonly maxCached?: number;
}

/** What `ca.json` holds: the private key sealed under the root key, and what the certificate was made for. */
interface SealedAuthority {
  readonly domain: string;
  readonly key: string;
}

interface Leaf {
  readonly certificate: KeyedCertificate;
  readonly context: SecureContext;
  /** Unix milliseconds after which a new certificate is made. */
  readonly renewAt: number;
}

const day = 86_400_000;
const hour = 3_600_000;
const authorityLifetime = 3652 * day;
const leafLifetime = 90 * day;
const renewBefore = 30 * day;
/** Clients' clocks may be a little behind ours. */
const backdate = hour;
const keyContext = 'main/ca-key';
const localNames = ['localhost', '127.0.0.1', '::1'] as const;

/**
 * Opens the trust store of a data folder, and makes its authority at the first start. Throws a StartRefusal when the
 * authority's files do not belong together, were made for another domain, or are too old to sign.
 */
export async function trustStore(options: TrustStoreOptions): Promise<TrustStore> {
  const { clock, domain } = options;
  const caFile = join(options.folder, 'ca.pem');
  const authority = (await readAuthority(options, caFile)) ?? (await createAuthority(options, caFile));
  const authorityEnd = new X509Certificate(authority.certificate).validToDate.getTime();
  refuseExpiring(authorityEnd, clock.now(), caFile);
  const maxCached = options.maxCached ?? 1000;
  const cached = new Map<string, Leaf>();
  const running = new Map<string, Promise<Leaf>>();

  const remember = (name: string, entry: Leaf) => {
    cached.delete(name);
    cached.set(name, entry);
    const oldest = cached.keys().next().value;
    if (cached.size > maxCached && oldest !== undefined) cached.delete(oldest);
  };

  const make = async (names: readonly [string, ...string[]]): Promise<Leaf> => {
    const now = clock.now();
    const notAfter = Math.min(now + leafLifetime, authorityEnd);
    // Loaded at the first TLS hello: a start that serves plain HTTP only does not pay for it.
    const { makeServerCertificate } = await import('./certificates.ts');
    const certificate = await makeServerCertificate({ authority, names, notBefore: now - backdate, notAfter });
    const leaf: Leaf = {
      certificate,
      context: createSecureContext({
        cert: certificate.certificate,
        key: certificate.privateKey,
        minVersion: 'TLSv1.2',
      }),
      renewAt: notAfter - renewBefore,
    };
    remember(names[0], leaf);
    return leaf;
  };

  const leafFor = (names: readonly [string, ...string[]]): Promise<Leaf> => {
    const [name] = names;
    const known = cached.get(name);
    if (known && clock.now() < known.renewAt) {
      remember(name, known);
      return Promise.resolve(known);
    }
    const started = running.get(name) ?? make(names).finally(() => running.delete(name));
    running.set(name, started);
    return started;
  };

  return {
    caFile,
    caPem: authority.certificate,
    async secureContextFor(servername) {
      const name = servername?.toLowerCase().replace(/\.$/, '') ?? '';
      if (name === '' || name === 'localhost' || isIP(name) !== 0) return (await leafFor(localNames)).context;
      if (!isInside(name, domain) || !(await options.nameExists(name))) return undefined;
      return (await leafFor([name])).context;
    },
    async localCertificate() {
      const { certificate, renewAt } = await leafFor(localNames);
      return { ...certificate, renewAt };
    },
  };
}

async function readAuthority(options: TrustStoreOptions, caFile: string): Promise<KeyedCertificate | undefined> {
  const certificate = await readIfPresent(caFile);
  // Without a certificate nobody can have trusted this authority: its key is left over from an interrupted start.
  if (certificate === undefined) return undefined;
  const keyFile = sealedFile(options.folder);
  const text = await readIfPresent(keyFile);
  if (text === undefined) {
    throw new StartRefusal(
      `${keyFile} is gone; bring it back from a backup, or remove ${caFile} to make a new authority`,
    );
  }
  const sealed = parseSealed(text, keyFile);
  if (sealed.domain !== options.domain) {
    throw new StartRefusal(
      `${caFile} is for ${sealed.domain}, and the domain is now ${options.domain}; remove ${caFile} to make a new authority, which clients must trust again`,
    );
  }
  const privateKey = openKey(options.keyWrapper, sealed.key, keyFile);
  const parsed = new X509Certificate(certificate);
  if (!parsed.checkPrivateKey(createPrivateKey(privateKey))) {
    throw new StartRefusal(`${caFile} and ${keyFile} do not belong together; bring both back from one backup`);
  }
  return { certificate, privateKey };
}

async function createAuthority(options: TrustStoreOptions, caFile: string): Promise<KeyedCertificate> {
  const { makeAuthority } = await import('./certificates.ts');
  const now = options.clock.now();
  const authority = await makeAuthority({
    commonName: `Berth ${options.domain}`,
    dnsNames: [options.domain, 'localhost'],
    notBefore: now - backdate,
    notAfter: now + authorityLifetime,
  });
  const sealed: SealedAuthority = {
    domain: options.domain,
    key: options.keyWrapper.seal(authority.privateKey, keyContext),
  };
  // The certificate last: with it, the authority is whole.
  await writeDurably(sealedFile(options.folder), `${JSON.stringify(sealed, null, 2)}\n`);
  await writeDurably(caFile, authority.certificate, { mode: 0o644 });
  return authority;
}

function refuseExpiring(end: number, now: number, caFile: string): void {
  if (end - now > renewBefore) return;
  throw new StartRefusal(
    `the authority in ${caFile} ends on ${new Date(end).toISOString().slice(0, 10)}; remove ${caFile} to make a new one, which clients must trust again`,
  );
}

function openKey(keyWrapper: KeyWrapper, sealed: string, keyFile: string): string {
  try {
    return keyWrapper.open(sealed, keyContext);
  } catch (error) {
    throw new StartRefusal(`the key in ${keyFile} does not open with this root key`, { cause: error });
  }
}

function parseSealed(text: string, keyFile: string): SealedAuthority {
  try {
    const value = JSON.parse(text) as Partial<SealedAuthority> | null;
    if (typeof value?.domain === 'string' && typeof value.key === 'string') {
      return { domain: value.domain, key: value.key };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new StartRefusal(`${keyFile} is damaged; bring it back from a backup`);
}

/** The domain itself, or a DNS name below it. The name comes from the network. */
function isInside(name: string, domain: string): boolean {
  if (name.length > 253 || !/^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/.test(name)) return false;
  return name === domain || name.endsWith(`.${domain}`);
}

function sealedFile(folder: string): string {
  return join(folder, 'ca.json');
}

async function readIfPresent(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
