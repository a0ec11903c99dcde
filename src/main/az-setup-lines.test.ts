import { describe, expect, test } from 'vitest';
import { instanceOf } from './az-instance.ts';
import { type AzWay, azSetup, proxyVariables, setupLines } from './az-setup-lines.ts';

const status = {
  tenantId: '11111111-1111-4111-8111-111111111111',
  subscriptionId: '22222222-2222-4222-8222-222222222222',
  registry: { name: 'harbour', loginServer: 'harbour.berth.example:8443' },
  endpoints: { proxy: 'http://127.0.0.1:5443' },
  operator: { username: 'operator@berth.example' },
};
const ca = { file: '/data/ca.pem', bundle: '/data/ca-bundle.pem' };
const setup = (way: AzWay, changed: Partial<typeof status> = {}, isRegistered = false) =>
  azSetup({ instance: instanceOf({ ...status, ...changed }), way, ca, isRegistered });

describe('an instance', () => {
  test('has its planes at the port of its login servers, and through the proxy at none', () => {
    const { domain, direct, proxy } = instanceOf(status);
    expect(domain).toBe('berth.example');
    expect(direct.management).toBe('https://management.berth.example:8443');
    expect(proxy?.planes.management).toBe('https://management.berth.example');
    expect(instanceOf({ ...status, endpoints: {} }).proxy).toBeNull();
    const at443 = instanceOf({ ...status, registry: { name: 'harbour', loginServer: 'harbour.berth.example' } });
    expect(at443.direct).toEqual(proxy?.planes);
  });
});

describe('the setup', () => {
  test('directly, has the port in its names and signs in by a code, because az drops the port with a password', () => {
    const { commands, login, environment } = setup('direct');
    expect(commands[0]?.at(-1)).toBe('https://management.berth.example:8443');
    expect(login).toEqual(['login', '--use-device-code', '--tenant', status.tenantId]);
    expect(environment).toEqual({
      REQUESTS_CA_BUNDLE: ca.bundle,
      SSL_CERT_FILE: ca.bundle,
      WEBSOCKET_CLIENT_CA_BUNDLE: ca.bundle,
    });
  });

  test('through the proxy, has no port, forgets what goes past proxies, and signs in as the operator', () => {
    const { commands, login, environment } = setup('proxy');
    expect(commands).toEqual([
      ['cloud', 'register', '--name', 'Berth', '--endpoint-resource-manager', 'https://management.berth.example'],
      ['cloud', 'set', '--name', 'Berth'],
      ['config', 'set', 'core.instance_discovery=false'],
    ]);
    expect(login).toEqual(['login', '--username', 'operator@berth.example', '--tenant', status.tenantId]);
    expect(environment).toMatchObject(proxyVariables('http://127.0.0.1:5443'));
    expect(environment).toMatchObject({ NO_PROXY: '', no_proxy: '' });
    expect(() => setup('proxy', { endpoints: {} as typeof status.endpoints })).toThrow('no proxy');
  });

  test('updates a cloud that is registered already', () => {
    expect(setup('direct', {}, true).commands[0]?.slice(0, 2)).toEqual(['cloud', 'update']);
  });

  test('has the variables of the other clients', () => {
    const { terraform, oneVariable, javascript } = setup('direct');
    expect(terraform).toMatchObject({
      ARM_METADATA_HOSTNAME: 'management.berth.example:8443',
      ARM_TENANT_ID: status.tenantId,
      ARM_SUBSCRIPTION_ID: status.subscriptionId,
    });
    expect(oneVariable).toMatchObject({
      SSL_CERT_FILE: ca.bundle,
      ARM_CLOUD_METADATA_URL: 'https://management.berth.example:8443/metadata/endpoints?api-version=2019-05-01',
    });
    expect(javascript).toEqual({
      environment: { NODE_EXTRA_CA_CERTS: ca.file },
      credential: { authorityHost: 'https://login.berth.example:8443', disableInstanceDiscovery: true },
      endpoint: 'https://management.berth.example:8443',
    });
  });

  test('is told in lines that a shell evaluates, the other clients among them as comments', () => {
    const spaced = azSetup({
      instance: instanceOf(status),
      way: 'proxy',
      ca: { file: "/my data/it's/ca.pem", bundle: '/my data/ca-bundle.pem' },
      isRegistered: false,
    });
    const lines = setupLines(spaced, 'why');
    expect(lines.filter((line) => !/^(?:#.*|export [A-Za-z_]+=(?:\S*|'.*')|az [a-z].*)?$/.test(line))).toEqual([]);
    expect(lines).toContain("export REQUESTS_CA_BUNDLE='/my data/ca-bundle.pem'");
    expect(lines).toContain('export NO_PROXY=');
    expect(lines).toContain('#   export ARM_METADATA_HOSTNAME=management.berth.example');
    expect(lines.filter((line) => line.startsWith('az '))).toHaveLength(4);
    expect(setupLines(setup('direct'), 'why').join('\n')).toContain('#   export HTTPS_PROXY=http://127.0.0.1:5443');
  });
});
