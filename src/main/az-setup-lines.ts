import type { AzInstance } from './az-instance.ts';
import { quoted } from './trust-places/place.ts';

/** Name under which az knows Berth. */
export const cloudName = 'Berth';

/** Directly to the names, or through Berth's proxy on loopback. */
export type AzWay = 'direct' | 'proxy';

type Variables = Readonly<Record<string, string>>;

/** Everything that points Azure's clients at one Berth, as data. */
export interface AzSetup {
  readonly way: AzWay;
  /** What the environment of az must hold. */
  readonly environment: Variables;
  /** Arguments of az, one command each; they may be run again. */
  readonly commands: readonly (readonly string[])[];
  /** Arguments of az; asks for what it needs. */
  readonly login: readonly string[];
  /** For the azurerm provider and others that read the same variables. */
  readonly terraform: Variables;
  /** Points az at Berth without a registered cloud. */
  readonly oneVariable: Variables;
  readonly javascript: {
    readonly environment: Variables;
    /** Options of the credentials of @azure/identity. */
    readonly credential: { readonly authorityHost: string; readonly disableInstanceDiscovery: true };
    /** Option of the clients of @azure/arm-*. */
    readonly endpoint: string;
  };
  /** The environment that leads any client through Berth's proxy; null when it is off. */
  readonly proxy: Variables | null;
}

/** What a setup is made of. */
export interface AzSetupParts {
  readonly instance: AzInstance;
  readonly way: AzWay;
  /** The authority's certificate alone, and a bundle that also holds those which were trusted before. */
  readonly ca: { readonly file: string; readonly bundle: string };
  /** Whether az knows a cloud of our name already: registering it a second time is an error (AZ-WIRE, T-CLD-6). */
  readonly isRegistered: boolean;
}

/** The setup for one way. Asking for the proxy of an instance that has none is a bug. */
export function azSetup(parts: AzSetupParts): AzSetup {
  const { instance, way, ca } = parts;
  const { proxy } = instance;
  if (way === 'proxy' && proxy === null) throw new Error('this instance has no proxy');
  const planes = way === 'proxy' && proxy !== null ? proxy.planes : instance.direct;
  const throughProxy = proxy === null ? null : proxyVariables(proxy.url);
  const reaching = way === 'proxy' ? (throughProxy ?? {}) : {};
  return {
    way,
    environment: {
      ...reaching,
      // Four clients, four switches (AZ-WIRE 1.3, T-CLD-4): az itself, docker and `ARM_CLOUD_METADATA_URL`, `container exec`.
      REQUESTS_CA_BUNDLE: ca.bundle,
      SSL_CERT_FILE: ca.bundle,
      WEBSOCKET_CLIENT_CA_BUNDLE: ca.bundle,
    },
    commands: [
      [
        'cloud',
        parts.isRegistered ? 'update' : 'register',
        '--name',
        cloudName,
        '--endpoint-resource-manager',
        planes.management,
      ],
      ['cloud', 'set', '--name', cloudName],
      // Otherwise the sign-in first asks Microsoft whether the authority is one of its own.
      ['config', 'set', 'core.instance_discovery=false'],
    ],
    login: loginLine(instance, planes.login),
    terraform: {
      ...reaching,
      SSL_CERT_FILE: ca.bundle,
      ARM_METADATA_HOSTNAME: new URL(planes.management).host,
      ARM_TENANT_ID: instance.tenantId,
      ARM_SUBSCRIPTION_ID: instance.subscriptionId,
    },
    oneVariable: {
      ...reaching,
      // az reads this one with another library, which knows this variable only.
      SSL_CERT_FILE: ca.bundle,
      REQUESTS_CA_BUNDLE: ca.bundle,
      AZURE_CORE_INSTANCE_DISCOVERY: 'false',
      ARM_CLOUD_METADATA_URL: `${planes.management}/metadata/endpoints?api-version=2019-05-01`,
    },
    javascript: {
      environment: { ...reaching, NODE_EXTRA_CA_CERTS: ca.file },
      credential: { authorityHost: planes.login, disableInstanceDiscovery: true },
      endpoint: planes.management,
    },
    proxy: throughProxy,
  };
}

/**
 * Variables that lead a client through the proxy. Names that go past proxies are forgotten: `localhost` among them takes
 * every name below it along. Both spellings, because clients differ in which one wins.
 */
export function proxyVariables(url: string): Variables {
  return { HTTPS_PROXY: url, https_proxy: url, NO_PROXY: '', no_proxy: '' };
}

/**
 * The sign-in that works: with user and password az drops the port of the authority on its way (T-AUTH-13), so at another
 * port than 443 it is a code that is typed into a browser.
 */
function loginLine(instance: AzInstance, login: string): string[] {
  const tenant = ['--tenant', instance.tenantId];
  if (instance.operator === null || new URL(login).port !== '') return ['login', '--use-device-code', ...tenant];
  return ['login', '--username', instance.operator, ...tenant];
}

/** The lines for a shell, which may evaluate them all. `why` says why it is this way. */
export function setupLines(setup: AzSetup, why: string): string[] {
  const shown = (variables: Variables): string[] =>
    Object.entries(variables).map(([name, value]) => `export ${name}=${value === '' ? '' : quoted(value)}`);
  const aside = (title: string, lines: readonly string[]): string[] => [
    '',
    `# ${title}`,
    ...lines.map((l) => `#   ${l}`),
  ];
  const { javascript } = setup;
  const { credential } = javascript;
  return [
    `# az at this Berth: ${why}`,
    ...shown(setup.environment),
    ...setup.commands.map(azLine),
    azLine(setup.login),
    ...aside('Terraform:', shown(setup.terraform)),
    ...aside('az by variables alone, in place of the commands above:', shown(setup.oneVariable)),
    ...aside('the JavaScript SDKs:', [
      ...shown(javascript.environment),
      `new ClientSecretCredential(tenantId, clientId, secret, { authorityHost: '${credential.authorityHost}', disableInstanceDiscovery: true })`,
      `new ContainerRegistryManagementClient(credential, subscriptionId, { endpoint: '${javascript.endpoint}' })`,
    ]),
    ...(setup.way === 'proxy' || setup.proxy === null
      ? []
      : aside('where the names do not resolve, with names without a port:', shown(setup.proxy))),
  ];
}

/** A command of az as a shell takes it. */
export function azLine(args: readonly string[]): string {
  return ['az', ...args.map(quoted)].join(' ');
}
