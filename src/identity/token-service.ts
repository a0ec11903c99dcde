import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { Clock, Fault, Ids, SpecificRule } from '../kernel/index.ts';
import { maskOfScopeWords } from './actions.ts';
import { unproven } from './explain.ts';
import type { AccessEntry, Principal, RegistryAccess, Restriction } from './principal.ts';
import type { TokenKeys } from './signing-keys.ts';
import { isCanonicalToken } from './token-form.ts';
import { verifiedTokens } from './verified-tokens.ts';

const issuer = 'Berth';
const maxTokenLength = 16 * 1024;

/** What a verified token of ours says. The rights that hold now are looked up by the caller, not read from here. */
export interface TokenClaims {
  readonly use: 'access' | 'refresh';
  readonly kind: Principal['kind'];
  readonly tokenId: number;
  /** Id in the directory; empty for what a registry has of its own. */
  readonly objectId: string;
  readonly credentialId: string;
  /** Name of the principal that it was made for. */
  readonly subject: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  /** Null for a refresh token, which narrows nothing. */
  readonly restriction: Restriction | null;
}

/**
 * Issues and verifies the registry's own tokens (JWT, RS256; claims as ACR-FACTS §4.5 lists them). A token ends no later
 * than the token that proved its principal, so that none can renew itself.
 */
export interface TokenService {
  /** Seconds that an access token for the principal will live. */
  accessSeconds(principal: Principal): number;
  issueAccess(principal: Principal, registry: RegistryAccess, access: readonly AccessEntry[]): Promise<string>;
  issueRefresh(principal: Principal, registry: RegistryAccess): Promise<string>;
  /** Throws `unauthenticated` for anything that is not a living token of ours for this registry. */
  verify(token: string, registry: RegistryAccess): Promise<TokenClaims>;
}

/**
 * Makes the token service. A verified token is remembered in a bounded memory (its signature cannot change); its expiry is
 * checked every time. Keys come from `keys` by `kid` only: no key, URL or certificate in a token's header is ever used.
 */
export function tokenService(options: {
  keys: TokenKeys;
  clock: Clock;
  ids: Ids;
  accessLifetimeMs: number;
  refreshLifetimeMs: number;
  cacheSize?: number;
}): TokenService {
  const { keys, clock, ids } = options;
  const verified = verifiedTokens<{ audience: string; claims: TokenClaims; expiresAt: number }>({
    clock,
    mostTokens: options.cacheSize ?? 10_000,
  });

  const sign = (principal: Principal, registry: RegistryAccess, lifetimeMs: number, more: JWTPayload) => {
    const now = Math.floor(clock.now() / 1000);
    const end = Math.floor(Math.min(clock.now() + lifetimeMs, principal.expiresAt ?? Number.POSITIVE_INFINITY) / 1000);
    return new SignJWT({
      version: '1.0',
      roles: [],
      tid: principal.tokenId,
      cid: principal.credentialId,
      ...(principal.objectId === '' ? {} : { oid: principal.objectId }),
      ...more,
    })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keys.signing.kid })
      .setIssuer(issuer)
      .setAudience(registry.audience)
      .setSubject(principal.name)
      .setJti(ids.id())
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(end)
      .sign(keys.signing.key);
  };

  return {
    accessSeconds(principal) {
      const left = principal.expiresAt === null ? options.accessLifetimeMs : principal.expiresAt - clock.now();
      return Math.floor(Math.min(options.accessLifetimeMs, left) / 1000);
    },
    issueAccess: (principal, registry, access) =>
      sign(principal, registry, options.accessLifetimeMs, { grant_type: 'access_token', knd: principal.kind, access }),
    issueRefresh: (principal, registry) =>
      sign(principal, registry, options.refreshLifetimeMs, {
        grant_type: 'refresh_token',
        knd: principal.kind,
        permissions: { actions: [], notActions: [] },
      }),
    async verify(token, registry) {
      const known = verified.get(token);
      const claims =
        known?.audience === registry.audience ? known.claims : await verifyNow(token, registry, keys, clock);
      if (claims.expiresAt <= clock.now()) throw expired(registry, claims.subject, claims.expiresAt);
      if (!known) verified.add(token, { audience: registry.audience, claims, expiresAt: claims.expiresAt });
      return claims;
    },
  };
}

async function verifyNow(token: string, registry: RegistryAccess, keys: TokenKeys, clock: Clock): Promise<TokenClaims> {
  if (token.length > maxTokenLength) throw unusable(registry, `the token is longer than ${maxTokenLength} characters`);
  if (!isCanonicalToken(token)) throw unusable(registry, 'the token is spelled otherwise than it was given out');
  let payload: JWTPayload;
  try {
    const result = await jwtVerify(
      token,
      async (header) => {
        const key = header.kid === undefined ? undefined : await keys.verifying(header.kid);
        if (!key) throw new UnknownKey();
        return key;
      },
      {
        algorithms: ['RS256'],
        issuer,
        audience: registry.audience,
        requiredClaims: ['exp', 'iat', 'nbf', 'sub', 'jti', 'grant_type', 'knd'],
        currentDate: new Date(clock.now()),
      },
    );
    payload = result.payload;
  } catch (cause) {
    throw explainUnverified(cause, registry);
  }
  // JSON can say 1e400, which is for ever; what we issue are whole seconds.
  const times = [payload.exp, payload.iat, payload.nbf];
  if (!times.every((time) => Number.isSafeInteger(time)))
    throw unusable(registry, 'the token has claims that no token of this server has');
  const use =
    payload['grant_type'] === 'access_token' ? 'access' : payload['grant_type'] === 'refresh_token' ? 'refresh' : null;
  const kind = payload['knd'];
  const objectId = typeof payload['oid'] === 'string' ? payload['oid'] : '';
  if (use === null || !isKind(kind) || ofDirectory.has(kind) !== (objectId !== '')) {
    throw unusable(registry, 'the token has claims that no token of this server has');
  }
  const access = payload['access'] ?? [];
  if (!isAccessList(access)) throw unusable(registry, 'the token has claims that no token of this server has');
  return {
    use,
    kind,
    tokenId: Number(payload['tid'] ?? 0),
    objectId,
    credentialId: typeof payload['cid'] === 'string' ? payload['cid'] : '',
    subject: payload.sub ?? '',
    expiresAt: (payload.exp ?? 0) * 1000,
    restriction: use === 'access' ? restrictionOf(access) : null,
  };
}

const kinds: readonly Principal['kind'][] = ['anonymous', 'admin', 'token', 'user', 'service-principal'];
const ofDirectory: ReadonlySet<Principal['kind']> = new Set(['user', 'service-principal']);

function isKind(value: unknown): value is Principal['kind'] {
  return (kinds as readonly unknown[]).includes(value);
}

function isAccessList(value: unknown): value is readonly AccessEntry[] {
  const isText = (part: unknown): part is string => typeof part === 'string';
  return (
    Array.isArray(value) &&
    value.every((entry: Partial<AccessEntry> | null) => {
      return isText(entry?.type) && isText(entry.name) && Array.isArray(entry.actions) && entry.actions.every(isText);
    })
  );
}

/** No key of ours has the id that the token names. */
class UnknownKey extends Error {}

const refused = 'the token is not valid for this registry';

function expired(registry: RegistryAccess, actor: string, at: number): Fault {
  const because = `the token of ${actor} ended at ${new Date(at).toISOString()}`;
  return unproven('the token has expired; sign in again', 'bearer-expired', because, {
    cure: signIn(registry),
    actor,
  });
}

function unusable(registry: RegistryAccess, because: string): Fault {
  return unproven(refused, 'bearer-unreadable', because, { cure: signIn(registry) });
}

function signIn(registry: RegistryAccess): string {
  return `fetch a new token from https://${registry.audience}/oauth2/token, or docker login ${registry.audience}`;
}

/** Why a token was not verified. Claims are told only where the signature was good before they were looked at. */
function explainUnverified(cause: unknown, registry: RegistryAccess): Fault {
  const refuse = (rule: SpecificRule, because: string, actor?: string): Fault =>
    unproven(refused, rule, because, { cure: signIn(registry), cause, ...(actor === undefined ? {} : { actor }) });
  if (cause instanceof UnknownKey)
    return refuse('bearer-key-unknown', 'the token names a signing key that is not here (any more)');
  if (cause instanceof errors.JWSSignatureVerificationFailed)
    return refuse('bearer-signature', 'the signature of the token is not that of this server');
  if (cause instanceof errors.JWTExpired) {
    const ended = timeOf(cause.payload.exp);
    return refuse('bearer-expired', `the token of ${cause.payload.sub} ended at ${ended}`, cause.payload.sub);
  }
  if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'aud') {
    const because = `the token is for ${String(cause.payload.aud)}, not for ${registry.audience}`;
    return refuse('bearer-other-registry', because, cause.payload.sub);
  }
  return refuse('bearer-unreadable', 'the token has a form, an algorithm or claims that no token of this server has');
}

/** Reads an access list into the form that `decide` asks. */
export function restrictionOf(access: readonly AccessEntry[]): Restriction {
  const repositories = new Map<string, number>();
  let catalog = false;
  for (const entry of access) {
    if (entry.type === 'registry' && entry.name === 'catalog' && entry.actions.includes('*')) catalog = true;
    if (entry.type === 'repository') {
      repositories.set(entry.name, (repositories.get(entry.name) ?? 0) | maskOfScopeWords(entry.actions));
    }
  }
  return { catalog, repositories };
}

/** A claim's time as people read it; a claim can say anything. */
function timeOf(seconds: unknown): string {
  const date = new Date(typeof seconds === 'number' ? seconds * 1000 : Number.NaN);
  return Number.isNaN(date.getTime()) ? 'a time that is none' : date.toISOString();
}
