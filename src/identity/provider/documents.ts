import type { ProviderCall } from './call.ts';
import { OAuthRefusal } from './refusal.ts';

/** `/.well-known/openid-configuration`: where everything is, under the name and port that the client reached (§2.1 A1). */
export function openidConfiguration({ base, tenant, services, urls }: ProviderCall, version: 1 | 2): object {
  const root = `${base}/${tenant.segment}`;
  const isSecond = version === 2 && !tenant.adfs;
  const oauth = `${root}/oauth2${isSecond ? '/v2.0' : ''}`;
  const issuer = isSecond ? `${base}/${services.tenantId}/v2.0` : `${base}/${services.tenantId}/`;
  return {
    issuer,
    authorization_endpoint: `${oauth}/authorize`,
    token_endpoint: `${oauth}/token`,
    device_authorization_endpoint: `${oauth}/devicecode`,
    end_session_endpoint: `${oauth}/logout`,
    jwks_uri: `${root}/discovery${isSecond ? '/v2.0' : ''}/keys`,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'password',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic', 'none'],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'name', 'preferred_username', 'oid', 'tid', 'upn'],
    request_uri_parameter_supported: false,
    tenant_region_scope: null,
    cloud_instance_name: services.domain,
    msgraph_host: new URL(urls.graph).host,
  };
}

/** `/common/discovery/instance`: whether an authority is one of this cloud, which is this host alone. */
export function instanceDiscovery({ base, exchange, services }: ProviderCall): object {
  const asked = exchange.query.get('authorization_endpoint') ?? '';
  const host = new URL(base).host;
  const askedHost = URL.canParse(asked) ? new URL(asked).host : '';
  if (askedHost.replace(/:[0-9]+$/, '') !== host.replace(/:[0-9]+$/, '')) {
    throw new OAuthRefusal('instance-unknown', 'that authority is not one of this cloud');
  }
  return {
    tenant_discovery_endpoint: `${base}/${services.tenantId}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
}

/** `/common/userrealm/{user}`: every user signs in here, whoever it is and whether there or not (§2.1 A4). */
export function userRealm({ services }: ProviderCall): object {
  return {
    ver: '1.0',
    account_type: 'Managed',
    domain_name: services.domain,
    cloud_instance_name: services.domain,
    cloud_audience_urn: 'urn:federation:MicrosoftOnline',
  };
}
