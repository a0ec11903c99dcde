import { X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { delimiter, join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { type Finding, fail, ok, problemOf, skipped, warn } from './finding.ts';

/** What the engines are asked about. */
export interface EngineQuestion {
  /** Login server under TLS, `registry.domain:port`. */
  readonly loginServer: string;
  /** Address of the plain listener, null when it is off. */
  readonly plainServer: string | null;
  readonly caPem: string;
  readonly caFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Root of the file system; tests give a folder. */
  readonly root: string;
}

const answerWithinMs = 5_000;

/** Whether a docker client and engine are there, and whether the engine trusts Berth. Changes nothing. */
export async function checkDocker(question: EngineQuestion): Promise<Finding[]> {
  const client = await findProgram('docker', question.env);
  const socket = dockerSocket(question);
  if (socket === null) {
    return [skipped('docker', `the engine is elsewhere (DOCKER_HOST ${question.env['DOCKER_HOST'] ?? ''})`)];
  }
  let info: DockerInfo;
  try {
    info = await askDocker(socket);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT') {
      return [skipped('docker', client === null ? 'not installed' : `no engine runs here (${socket} is not there)`)];
    }
    const cure = code === 'EACCES' ? 'add this user to the group docker, or use sudo' : 'start the engine';
    return [fail('docker', `${socket}: ${problemOf(error)}`, cure)];
  }
  const reached = `engine ${info.ServerVersion ?? '?'}, client ${client ?? 'not on PATH'}`;
  return [ok('docker', reached), await dockerTrust(question, info)];
}

async function dockerTrust(question: EngineQuestion, info: DockerInfo): Promise<Finding> {
  const name = 'docker trusts';
  const { loginServer, plainServer } = question;
  const insecure = [
    ...(info.RegistryConfig?.InsecureRegistryCIDRs ?? []),
    ...Object.entries(info.RegistryConfig?.IndexConfigs ?? {})
      .filter(([, { Secure }]) => Secure === false)
      .map(([host]) => host),
  ];
  const trusted = await trustedBy(question, ['etc/docker/certs.d']);
  if (trusted !== null) return ok(name, `${loginServer}, by ${trusted}`);
  if (insecure.includes(loginServer)) return ok(name, `${loginServer}, as an insecure registry`);
  const cure = `sudo install -D -m 644 ${question.caFile} /etc/docker/certs.d/${loginServer}/ca.crt`;
  if (plainServer !== null && insecure.includes('127.0.0.0/8')) {
    return ok(name, `${plainServer}, being on loopback; for ${loginServer} do: ${cure}`);
  }
  return warn(name, `${loginServer} is not trusted`, cure);
}

/** Whether podman, buildah and skopeo trust Berth. */
export async function checkPodman(question: EngineQuestion): Promise<Finding> {
  const name = 'podman trusts';
  if ((await findProgram('podman', question.env)) === null) return skipped(name, 'podman is not installed');
  const home = question.env['HOME'] ?? '/root';
  const folders = ['etc/containers/certs.d', join(home, '.config/containers/certs.d'), 'etc/docker/certs.d'];
  const trusted = await trustedBy(question, folders);
  if (trusted !== null) return ok(name, `${question.loginServer}, by ${trusted}`);
  const other = question.plainServer === null ? '' : `; for ${question.plainServer} give --tls-verify=false`;
  return warn(
    name,
    `${question.loginServer} is not trusted`,
    `sudo install -D -m 644 ${question.caFile} /etc/containers/certs.d/${question.loginServer}/ca.crt${other}`,
  );
}

/** What holds our authority for the login server: a file of certs.d, or the system's store. Null when nothing does. */
async function trustedBy(question: EngineQuestion, folders: readonly string[]): Promise<string | null> {
  const ours = new X509Certificate(question.caPem).fingerprint256;
  for (const folder of folders) {
    const place = join(question.root, folder, question.loginServer);
    for (const file of (await readdir(place).catch(absent<string[]>([]))).filter((one) => one.endsWith('.crt'))) {
      const text = await readFile(join(place, file), 'utf8').catch(absent(''));
      if (certificatesIn(text).some((pem) => fingerprint(pem) === ours)) return join(place, file);
    }
  }
  return getCACertificates('system').some((pem) => fingerprint(pem) === ours) ? 'the store of the system' : null;
}

function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function fingerprint(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    // A broken certificate among others is trusted by nobody.
    return '';
  }
}

interface DockerInfo {
  readonly ServerVersion?: string;
  readonly RegistryConfig?: {
    readonly InsecureRegistryCIDRs?: readonly string[];
    readonly IndexConfigs?: Readonly<Record<string, { readonly Secure?: boolean }>>;
  };
}

/** Path of the engine's socket, null when DOCKER_HOST names another machine. */
function dockerSocket(question: EngineQuestion): string | null {
  const named = question.env['DOCKER_HOST'] ?? '';
  if (named === '') return join(question.root, 'var/run/docker.sock');
  return named.startsWith('unix://') ? named.slice('unix://'.length) : null;
}

/** `GET /info` of the engine. */
function askDocker(socketPath: string): Promise<DockerInfo> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/info', timeout: answerWithinMs, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as DockerInfo);
        else reject(new Error(`the engine answered ${response.statusCode}`));
      });
    });
    asked.on('timeout', () => asked.destroy(new Error('the engine does not answer')));
    asked.on('error', reject);
    asked.end();
  });
}

async function findProgram(program: string, env: EngineQuestion['env']): Promise<string | null> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter((one) => one !== '')) {
    const path = join(folder, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return null;
}

function absent<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(error.code ?? '')) return value;
    throw error;
  };
}
