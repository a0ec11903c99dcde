import { describe, expect, it } from 'vitest';
import { readResource, readScopes } from './scopes.ts';

const domain = 'berth.localhost';

describe('a scope', () => {
  it.each([
    ['https://management.berth.localhost//.default', 'management', 'https://management.berth.localhost/'],
    ['https://management.berth.localhost/.default', 'management', 'https://management.berth.localhost'],
    ['https://management.berth.localhost:8443//.default', 'management', 'https://management.berth.localhost:8443/'],
    ['https://MANAGEMENT.berth.localhost/.default', 'management', 'https://MANAGEMENT.berth.localhost'],
    ['https://management.core.windows.net//.default', 'management', 'https://management.core.windows.net/'],
    ['https://management.azure.com/user_impersonation', 'management', 'https://management.azure.com'],
    ['https://graph.microsoft.com/.default', 'graph', 'https://graph.microsoft.com'],
    ['https://msgraph.berth.localhost//.default', 'graph', 'https://msgraph.berth.localhost/'],
    ['https://graph.berth.localhost/.default', 'graph', 'https://graph.berth.localhost'],
    ['https://containerregistry.azure.net/.default', 'registry', 'https://containerregistry.azure.net'],
    ['https://containerregistry.azure.net//.default', 'registry', 'https://containerregistry.azure.net/'],
  ])('%s is for %s, and loses exactly what stands behind the last slash', (text, resource, audience) => {
    expect(readScopes(text, domain)).toMatchObject({ resource, audience, granted: text, offline: false });
  });

  it('of words of OpenID Connect alone is for Graph', () => {
    expect(readScopes('openid profile offline_access', domain)).toMatchObject({
      resource: 'graph',
      granted: 'openid profile',
      openid: true,
      offline: true,
    });
  });

  it('survives being kept with a code', () => {
    for (const asked of [
      readScopes('https://management.azure.com//.default  openid offline_access', domain),
      readResource('https://management.core.windows.net/', domain),
    ]) {
      expect(readScopes(asked.text, domain)).toMatchObject({ audience: asked.audience, offline: true, openid: true });
    }
  });

  it.each([
    ['https://management.berth.localhost', 'scope-invalid'],
    ['https://management.berth.localhost///.default', 'resource-unknown'],
    ['https://management.berth.localhost/path/.default', 'resource-unknown'],
    ['https://management.berth.localhost?x=/.default', 'resource-unknown'],
    ['https://user@management.berth.localhost/.default', 'resource-unknown'],
    ['https://management.berth.localhost.evil.example/.default', 'resource-unknown'],
    ['https://evilmanagement.berth.localhost/.default', 'resource-unknown'],
    ['http://management.berth.localhost/.default', 'resource-unknown'],
    ['/.default', 'resource-unknown'],
    ['.default', 'scope-invalid'],
    ['api://constructor/.default', 'resource-unknown'],
    ['https://constructor/.default', 'resource-unknown'],
    ['User.Read', 'scope-invalid'],
    ['https://graph.microsoft.com/.Default', 'scope-invalid'],
    ['https://graph.microsoft.com/.default https://graph.microsoft.com//.default', 'scope-invalid'],
    ['x'.repeat(2_001), 'scope-invalid'],
  ])('%s is refused: %s', (text, kind) => {
    expect(() => readScopes(text, domain)).toThrow(expect.objectContaining({ kind }));
  });

  it.each(['https://a b', '', 'management', 'x'.repeat(3_000)])('there is no resource %j', (resource) => {
    expect(() => readResource(resource, domain)).toThrow(expect.objectContaining({ name: 'OAuthRefusal' }));
  });
});
