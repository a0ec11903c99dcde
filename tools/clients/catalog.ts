/** The clients that Berth is tested with, pinned. A version moves here and nowhere else. */

/**
 * `test:clients` and `test:azure` are part of each integration run and stay short; `test:full` has the time for the rest.
 */
export type ClientSet = 'clients' | 'azure' | 'full';

interface Client {
  readonly name: string;
  /** True for what only `test:full` uses. */
  readonly full?: true;
  /** Whether `test:azure` uses it, too, or nothing else does. */
  readonly azure?: 'too' | 'only';
  /** True where the client's engine must be started by root. */
  readonly needsRoot?: true;
}

/** A client, or a proxy before the server, that Debian packages, with the programs without which it cannot do its work. */
export interface DebianClient extends Client {
  readonly packages: readonly string[];
  readonly programs: readonly string[];
  /** Arguments that make the first of the programs print its version. */
  readonly versionArgs: readonly string[];
}

/**
 * A client built from its Go module. `install` is `go install package@version`; `module` builds inside a copy of the
 * module, for modules whose version list a module proxy may refuse and for those with replace directives.
 */
export interface GoClient extends Client {
  readonly version: string;
  readonly module: string;
  readonly package: string;
  readonly build: 'install' | 'module';
  /** Arguments that make the program print its version; absent where a plain build does not know it. */
  readonly versionArgs?: readonly string[];
}

export const debianClients: readonly DebianClient[] = [
  {
    name: 'docker',
    azure: 'too',
    packages: ['docker.io', 'iptables'],
    programs: ['docker', 'dockerd', 'containerd', 'runc'],
    needsRoot: true,
    versionArgs: ['--version'],
  },
  {
    name: 'podman',
    azure: 'too',
    packages: ['podman', 'runc'],
    programs: ['podman', 'runc'],
    needsRoot: true,
    versionArgs: ['--version'],
  },
  {
    name: 'buildah',
    packages: ['buildah', 'runc'],
    programs: ['buildah', 'runc'],
    needsRoot: true,
    versionArgs: ['--version'],
  },
  { name: 'skopeo', packages: ['skopeo'], programs: ['skopeo'], azure: 'too', versionArgs: ['--version'] },
  { name: 'nss', packages: ['libnss3-tools'], programs: ['certutil'], azure: 'too', versionArgs: ['-V'] },
  { name: 'chromium', packages: ['chromium'], programs: ['chromium'], azure: 'only', versionArgs: ['--version'] },
  { name: 'nginx', packages: ['nginx-light'], programs: ['nginx'], versionArgs: ['-v'] },
  { name: 'caddy', packages: ['caddy'], programs: ['caddy'], versionArgs: ['version'] },
  { name: 'busybox', packages: ['busybox-static'], programs: ['busybox'], azure: 'too', versionArgs: ['--help'] },
  {
    name: 'ctr',
    packages: ['containerd'],
    programs: ['ctr', 'containerd'],
    needsRoot: true,
    full: true,
    versionArgs: ['--version'],
  },
  {
    name: 'maven',
    packages: ['maven', 'default-jdk-headless'],
    programs: ['mvn', 'javac', 'keytool'],
    full: true,
    versionArgs: ['--version'],
  },
];

/** A plugin of Maven, which fetches it at this version. */
export const jibVersion = '3.4.5';

export const goClients: readonly GoClient[] = [
  {
    name: 'crane',
    version: 'v0.22.1',
    module: 'github.com/google/go-containerregistry',
    package: 'cmd/crane',
    build: 'install',
    versionArgs: ['version'],
  },
  {
    name: 'regctl',
    version: 'v0.11.7',
    module: 'github.com/regclient/regclient',
    package: 'cmd/regctl',
    build: 'install',
    versionArgs: ['version'],
  },
  {
    name: 'oras',
    version: 'v1.3.3',
    module: 'oras.land/oras',
    package: 'cmd/oras',
    build: 'module',
    versionArgs: ['version'],
  },
  {
    name: 'notation',
    version: 'v1.3.2',
    module: 'github.com/notaryproject/notation',
    package: 'cmd/notation',
    build: 'module',
    versionArgs: ['version'],
  },
  {
    name: 'helm',
    version: 'v3.22.0',
    module: 'helm.sh/helm/v3',
    package: 'cmd/helm',
    build: 'install',
    full: true,
  },
  {
    name: 'cosign',
    version: 'v3.1.3',
    module: 'github.com/sigstore/cosign/v3',
    package: 'cmd/cosign',
    build: 'install',
    full: true,
  },
  {
    name: 'syft',
    version: 'v1.52.0',
    module: 'github.com/anchore/syft',
    package: 'cmd/syft',
    build: 'install',
    full: true,
  },
  {
    name: 'buildctl',
    version: 'v0.33.0',
    module: 'github.com/moby/buildkit',
    package: 'cmd/buildctl',
    build: 'module',
    full: true,
  },
  {
    name: 'buildkitd',
    version: 'v0.33.0',
    module: 'github.com/moby/buildkit',
    package: 'cmd/buildkitd',
    build: 'module',
    full: true,
    needsRoot: true,
  },
  {
    name: 'grype',
    version: 'v0.110.0',
    module: 'github.com/anchore/grype',
    package: 'cmd/grype',
    build: 'module',
    full: true,
  },
];

/** A client from the Python package index, each in a virtual environment of its own. */
export interface PythonClient extends Client {
  readonly package: string;
  readonly version: string;
  /** What the package puts into the environment's folder of programs. */
  readonly program: string;
  /** Arguments that make the program print its version. */
  readonly versionArgs: readonly string[];
}

export const pythonClients: readonly PythonClient[] = [
  { name: 'az', package: 'azure-cli', version: '2.91.0', program: 'az', azure: 'only', versionArgs: ['version'] },
];

/** Whether a set uses a client: the full set builds on `clients`, and that of Azure has its own. */
export function isIn(set: ClientSet, client: Client): boolean {
  if (set === 'azure') return client.azure !== undefined;
  return client.azure !== 'only' && (set === 'full' || client.full !== true);
}

/** Every client of a set, by name. */
export function clientNames(set: ClientSet): string[] {
  return [...debianClients, ...goClients, ...pythonClients]
    .filter((client) => isIn(set, client))
    .map((client) => client.name);
}
