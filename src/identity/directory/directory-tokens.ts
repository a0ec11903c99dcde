import { exportJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { type Clock, Fault, type Ids } from '../../kernel/index.ts';
import type { SigningKeys } from '../signing-keys.ts';
import { isCanonicalToken } from '../token-form.ts';
import { verifiedTokens } from '../verified-tokens.ts';
import type { Subject, SubjectClaims } from './directory.ts';

const maxTokenLength = 16 * 1024;

/** What Berth's identity provider issues access tokens for. */
export type DirectoryResource = 'management' | 'graph' | 'registry';

/** What a verified access token of the identity provider says. What its subject may do is read elsewhere. */
export interface DirectoryClaims extends SubjectClaims {
  readonly resource: DirectoryResource;
  /** Application that the token was issued to. */
  readonly clientId: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** An access token that is to be issued. */
export interface DirectoryTokenRequest {
  readonly subject: Subject;
  readonly clientId: string;
  readonly resource: DirectoryResource;
  /** Audience as it was asked for: one of the spellings of the resource (AZ-WIRE T-AUTH-1). */
  readonly audience: string;
  /** Base URL of the provider as the client reached it, without slash at the end. */
  readonly issuer: string;
  /** Form of the claims: what `/oauth2/token` and `/oauth2/v2.0/token` answer. */
  readonly version: 1 | 2;
}

/** Access and id tokens of the identity provider (JWT, RS256). */
export interface DirectoryTokens {
  readonly tenantId: string;
  issueAccess(request: DirectoryTokenRequest): Promise<{ token: string; expiresInSeconds: number }>;
  /** An OpenID Connect id token for a user. */
  issueId(request: DirectoryTokenRequest & { readonly nonce: string | null }): Promise<string>;
  /** Throws `unauthenticated` for anything that is not a living access token of ours for one of `resources`. */
  verify(token: string, resources: readonly DirectoryResource[]): Promise<DirectoryClaims>;
  /** The public keys, for `/discovery/keys`. */
  jwks(): Promise<{ keys: JWK[] }>;
}

/**
 * Makes the token service of the directory. Verified tokens are remembered in a bounded cache; their expiry is checked
 * every time, and their subject by the caller. No key, URL or certificate in a token's header is ever used.
 */
export function directoryTokens(options: {
  keys: SigningKeys;
  clock: Clock;
  ids: Ids;
  tenantId: string;
  accessLifetimeMs: number;
  cacheSize?: number;
}): DirectoryTokens {
  const { keys, clock, ids, tenantId } = options;
  const verified = verifiedTokens<DirectoryClaims>({ clock, mostTokens: options.cacheSize ?? 10_000 });

  const sign = (request: DirectoryTokenRequest, audience: string, more: JWTPayload, endMs: number): Promise<string> => {
    const now = Math.floor(clock.now() / 1000);
    const { subject, issuer, version } = request;
    return new SignJWT({
      oid: subject.objectId,
      tid: tenantId,
      ver: version === 2 ? '2.0' : '1.0',
      ...(subject.kind === 'user'
        ? { name: subject.displayName, preferred_username: subject.name, upn: subject.name, unique_name: subject.name }
        : {}),
      ...more,
    })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keys.signing.kid })
      .setIssuer(version === 2 ? `${issuer}/${tenantId}/v2.0` : `${issuer}/${tenantId}/`)
      .setAudience(audience)
      .setSubject(subject.objectId)
      .setJti(ids.id())
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(Math.floor(endMs / 1000))
      .sign(keys.signing.key);
  };
  const endOf = (subject: Subject): number =>
    Math.min(clock.now() + options.accessLifetimeMs, subject.expiresAt ?? Number.POSITIVE_INFINITY);

  return {
    tenantId,
    async issueAccess(request) {
      const { subject, clientId, resource } = request;
      const now = clock.now();
      const end = endOf(subject);
      const client = request.version === 2 ? { azp: clientId } : { appid: clientId };
      const token = await sign(
        request,
        request.audience,
        { use: 'access', res: resource, knd: subject.kind, cid: subject.credentialId, ...client },
        end,
      );
      return { token, expiresInSeconds: Math.floor((end - now) / 1000) };
    },
    issueId: (request) =>
      sign(
        request,
        request.clientId,
        { use: 'id', ...(request.nonce === null ? {} : { nonce: request.nonce }) },
        endOf(request.subject),
      ),
    async verify(token, resources) {
      const known = verified.get(token);
      const claims = known ?? (await verifyNow(token, keys, clock));
      if (claims.expiresAt <= clock.now()) throw new Fault('unauthenticated', 'the access token has expired');
      if (!known) verified.add(token, claims);
      if (!resources.includes(claims.resource)) {
        throw new Fault('unauthenticated', `the access token is for another resource: ${claims.resource}`);
      }
      return claims;
    },
    async jwks() {
      const published = await Promise.all(
        keys.all().map(async ({ kid, key }) => ({ ...(await exportJWK(key)), kid, use: 'sig', alg: 'RS256' })),
      );
      return { keys: published };
    },
  };
}

async function verifyNow(token: string, keys: SigningKeys, clock: Clock): Promise<DirectoryClaims> {
  const refused = new Fault('unauthenticated', 'the access token is not one of this identity provider');
  if (token.length > maxTokenLength || !isCanonicalToken(token)) throw refused;
  let payload: JWTPayload;
  try {
    const result = await jwtVerify(
      token,
      async (header) => {
        const key = header.kid === undefined ? undefined : await keys.verifying(header.kid);
        if (!key) throw new Error('no such key');
        return key;
      },
      {
        algorithms: ['RS256'],
        requiredClaims: ['exp', 'iat', 'nbf', 'sub', 'aud'],
        currentDate: new Date(clock.now()),
      },
    );
    payload = result.payload;
  } catch {
    throw refused;
  }
  const { use, res, knd, cid } = payload as Record<string, unknown>;
  const isResource = res === 'management' || res === 'graph' || res === 'registry';
  const isKind = knd === 'user' || knd === 'service-principal';
  // JSON can say 1e400, which is for ever; what we issue are whole seconds.
  if (use !== 'access' || !isResource || !isKind || typeof cid !== 'string' || !Number.isSafeInteger(payload.exp)) {
    throw refused;
  }
  const clientId = payload['azp'] ?? payload['appid'];
  return {
    kind: knd,
    objectId: payload.sub ?? '',
    credentialId: cid,
    resource: res,
    clientId: typeof clientId === 'string' ? clientId : '',
    expiresAt: (payload.exp ?? 0) * 1000,
  };
}
