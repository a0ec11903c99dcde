import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { locate } from '../../tools/clients/locate.ts';
import { stop, tail } from './_process.ts';

/** A proxy program before Berth, with the example of docs/operations.md. */
export interface RealProxy extends AsyncDisposable {
  /** `https://localhost:port`. */
  readonly url: string;
}

export interface ProxyOptions {
  /** Scratch folder for its files. */
  readonly folder: string;
  /** `host:port` of Berth's listener for proxies. */
  readonly upstream: string;
  /** Certificate chain and key of `localhost`, PEM files. */
  readonly certificate: string;
  readonly key: string;
  /** Changes the example to one with a defect. */
  readonly bend?: (example: string) => string;
}

const page = join(import.meta.dirname, '..', '..', 'docs', 'operations.md');
const startWithinMs = 20_000;

/** The example of a language in the page, as a reader copies it. */
export async function example(language: 'yaml' | 'nginx' | 'caddyfile'): Promise<string> {
  const text = await readFile(page, 'utf8');
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/operations.md has no example in ${language}`);
  return found;
}

/** Puts the test's addresses in place of those of the example; each must be there. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((filled, [from, to]) => {
    if (!filled.includes(from)) throw new Error(`the example does not hold "${from}"`);
    return filled.replaceAll(from, to);
  }, text);
}

export async function startNginx(options: ProxyOptions): Promise<RealProxy> {
  const port = await freePort();
  const server = fill(await example('nginx'), {
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    'server_name registry.example.com': 'server_name localhost',
    '/etc/ssl/registry.example.com.pem': options.certificate,
    '/etc/ssl/registry.example.com.key': options.key,
    '127.0.0.1:5080': options.upstream,
  });
  const folder = join(options.folder, `nginx-${port}`);
  await mkdir(folder);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${folder}/${one};`,
  );
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const main = `${user} daemon off; pid ${folder}/pid; error_log stderr; events {}
http { access_log off; ${temporary.join(' ')}
${(options.bend ?? ((text) => text))(server)} }`;
  await writeFile(join(folder, 'nginx.conf'), main);
  return start('nginx', ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')], port, options.folder);
}

export async function startCaddy(options: ProxyOptions): Promise<RealProxy> {
  const port = await freePort();
  const site = fill(await example('caddyfile'), {
    'registry.example.com {': `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${options.certificate} ${options.key}`,
    '127.0.0.1:5080': options.upstream,
  });
  const file = join(options.folder, `Caddyfile-${port}`);
  const bent = (options.bend ?? ((text) => text))(site);
  await writeFile(file, `{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n${bent}`);
  return start('caddy', ['run', '--adapter', 'caddyfile', '--config', file], port, options.folder);
}

async function start(program: string, args: readonly string[], port: number, home: string): Promise<RealProxy> {
  const child = spawn(locate(program) ?? program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: home },
  });
  const log = tail(child);
  try {
    await untilListening(child, port);
  } catch (cause) {
    await stop(child, 5_000);
    throw new Error(`${program} did not start\n${log()}`, { cause });
  }
  return {
    url: `https://localhost:${port}`,
    [Symbol.asyncDispose]: async () => void (await stop(child, 10_000)),
  };
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  const end = performance.now() + startWithinMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    if (performance.now() > end) throw new Error('nothing listens');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
