/** The clients that Berth is tested with, pinned. A version moves here and nowhere else. */

/** A client, or a proxy before the server, that Debian packages, with the programs without which it cannot do its work. */
export interface DebianClient {
  readonly name: string;
  readonly packages: readonly string[];
  readonly programs: readonly string[];
}

/**
 * A client built from its Go module. `install` is `go install package@version`; `module` builds inside a copy of the
 * module, for modules whose version list a module proxy may refuse and for those with replace directives.
 */
export interface GoClient {
  readonly name: string;
  readonly version: string;
  readonly module: string;
  readonly package: string;
  readonly build: 'install' | 'module';
  /** Arguments that make the program print its version. */
  readonly versionArgs: readonly string[];
}

export const debianClients: readonly DebianClient[] = [
  { name: 'docker', packages: ['docker.io', 'iptables'], programs: ['docker', 'dockerd', 'containerd', 'runc'] },
  { name: 'podman', packages: ['podman', 'runc'], programs: ['podman', 'runc'] },
  { name: 'buildah', packages: ['buildah', 'runc'], programs: ['buildah', 'runc'] },
  { name: 'skopeo', packages: ['skopeo'], programs: ['skopeo'] },
  { name: 'nss', packages: ['libnss3-tools'], programs: ['certutil'] },
  { name: 'nginx', packages: ['nginx-light'], programs: ['nginx'] },
  { name: 'caddy', packages: ['caddy'], programs: ['caddy'] },
  { name: 'busybox', packages: ['busybox-static'], programs: ['busybox'] },
];

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
];

export const clientNames: readonly string[] = [...debianClients, ...goClients].map((client) => client.name);
