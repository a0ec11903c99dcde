import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority, makeServerCertificate } from '../../src/main/certificates.ts';
import type { Finding } from '../../src/main/doctor/finding.ts';
import { checkFront } from '../../src/main/doctor/front.ts';
import { askServer } from '../../src/main/management-client.ts';
import { writeImage } from './_image.ts';
import { example, fill, type ProxyOptions, type RealProxy, startCaddy, startNginx } from './_proxies.ts';
import type { Shell } from './_shell.ts';
import { test as base, describe, expect, lacks } from './_test.ts';
import { startBerth, type World } from './_world.ts';

const day = 86_400_000;

/** A Berth with the listener for proxies as the documentation sets it up, and a certificate of `localhost` for the proxy, of an authority of its own. */
const test = base
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the needs of a fixture from this pattern
  .extend('world', { scope: 'file' }, async ({}, { onCleanup }) => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-proxied-'));
    const config = join(folder, 'berth.yaml');
    await writeFile(config, fill(await example('yaml'), { '127.0.0.1:5080': '127.0.0.1:0' }));
    try {
      const world = await startBerth('--config', config);
      onCleanup(() => world[Symbol.asyncDispose]());
      return world;
    } finally {
      await rm(folder, { recursive: true });
    }
  })
  .extend('files', { scope: 'file' }, async ({ world }) => {
    const dates = { notBefore: Date.now() - day, notAfter: Date.now() + 90 * day };
    const authority = await makeAuthority({ commonName: 'Proxy', dnsNames: ['localhost'], ...dates });
    const leaf = await makeServerCertificate({ authority, names: ['localhost'], ...dates });
    const files = {
      ca: join(world.folder, 'proxy-ca.pem'),
      certificate: join(world.folder, 'proxy.pem'),
      key: join(world.folder, 'proxy.key'),
    };
    await writeFile(files.ca, authority.certificate);
    await writeFile(files.certificate, leaf.certificate);
    await writeFile(files.key, leaf.privateKey, { mode: 0o600 });
    const { listeners } = (await world.berth('status')) as { listeners: { name: string; port: number }[] };
    const upstream = `127.0.0.1:${listeners.find(({ name }) => name === 'ingress')?.port}`;
    return { ...files, folder: world.folder, upstream };
  });

/** What the command says of the way through a proxy, without what is right and what nobody asked for. */
async function doctor(world: World, proxy: RealProxy, ca: string): Promise<Finding[]> {
  const { findings } = (await world.doctor(['--url', proxy.url, '--ca', ca])) as { findings: Finding[] };
  return wrong(findings.slice(findings.findIndex(({ name }) => name === 'public address')));
}

/** The same for one probe, with fewer bytes, and with a wait when asked for. */
async function examine(world: World, proxy: RealProxy, ca: string, slowSeconds: number | null = null) {
  const findings = await checkFront({
    url: proxy.url,
    authorities: [await readFile(ca, 'utf8')],
    operator: (method, path, body) => askServer(join(world.folder, 'data'), method, path, body),
    domain: 'clients.localhost',
    bodySizes: [1 << 20, 16 << 20],
    slowSeconds,
  });
  return wrong(findings);
}

function wrong(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ state }) => state === 'warn' || state === 'fail');
}

/** An image with a layer of 200 MB goes in and comes out through the proxy, byte for byte. */
async function pushAndPull(world: World, shell: Shell, proxy: RealProxy, ca: string): Promise<void> {
  const host = new URL(proxy.url).host;
  const trusting = shell.with({ SSL_CERT_FILE: ca });
  const login = ['auth', 'login', host, '-u', world.username, '--password-stdin'];
  await trusting.run('crane', login, { input: world.password });
  const image = await writeImage(shell, 'great', { extraBytes: 200_000_000 });
  const remote = `${host}/proxied/great:v1`;
  await trusting.run('crane', ['push', image.path, remote]);
  expect((await world.api.manifest('proxied/great', 'v1')).digest).toBe(image.digest);
  await trusting.run('crane', ['pull', '--format', 'oci', remote, 'back']);
  for (const { digest } of image.layers) {
    const file = join('blobs', 'sha256', digest.slice('sha256:'.length));
    const [sent, came] = await Promise.all(
      [image.path, join(shell.home, 'back')].map((one) => readFile(join(one, file))),
    );
    expect(came?.equals(sent ?? Buffer.alloc(0))).toBe(true);
  }
}

/** The realm of the challenge, which names the host that Berth takes the request for. */
async function realmFor(proxy: RealProxy, ca: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const asked = request(`${proxy.url}/v2/`, { ca: await readFile(ca), servername: 'localhost', headers }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  return /realm="([^"]*)"/.exec(answer.headers['www-authenticate'] ?? '')?.[1] ?? `none, ${answer.statusCode}`;
}

type Start = (options: ProxyOptions) => Promise<RealProxy>;
const proxies: readonly [string, Start][] = [
  ['nginx', startNginx],
  ['caddy', startCaddy],
];

for (const [program, start] of proxies) {
  describe.skipIf(lacks(program))(`${program} with the example of the documentation`, () => {
    test('is in order for the doctor', async ({ world, files }) => {
      await using proxy = await start(files);
      expect(await doctor(world, proxy, files.ca)).toEqual([]);
    });

    test.skipIf(lacks('crane', 'busybox'))('passes great layers both ways', async ({ world, shell, files }) => {
      await using proxy = await start(files);
      await pushAndPull(world, shell, proxy, files.ca);
    });

    test('leaves a client no say in which registry it asks', async ({ world, files }) => {
      await using proxy = await start(files);
      const { host } = new URL(proxy.url);
      const other = await world.createRegistry(`${program}2`);
      const realm = await realmFor(proxy, files.ca, { host, 'x-forwarded-host': other });
      expect(realm).toBe(`https://${host}/oauth2/token`);
      // What stands in Host does count, so the other one is there to be asked for.
      if (program === 'nginx') expect(await realmFor(proxy, files.ca, { host: other })).toContain(`://${other}/`);
    });

    test('is told apart from one whose authority is not trusted', async ({ world, files }) => {
      await using proxy = await start(files);
      expect(await examine(world, proxy, world.caFile)).toMatchObject([
        { name: 'public address', state: 'fail', cure: expect.stringContaining('--ca') },
      ]);
    });
  });
}

/** Takes a line of the example away; it must be there. */
const without = (line: string) => (text: string) => {
  expect(text).toContain(line);
  return text.replace(line, '');
};

describe.skipIf(lacks('nginx'))('nginx is found out', () => {
  test.for<[string, string, Finding['state'], RegExp]>([
    ['client_max_body_size 0;', 'proxy: body size', 'fail', /nginx: client_max_body_size 0/],
    ['proxy_request_buffering off;', 'proxy: uploads pass through', 'warn', /nginx: proxy_request_buffering off/],
    ['proxy_http_version 1.1;', 'proxy: chunked uploads pass through', 'warn', /nginx: proxy_http_version 1.1/],
    ['proxy_buffering off;', 'proxy: downloads pass through', 'warn', /nginx: proxy_buffering off/],
    ['proxy_set_header Host $http_host;', 'proxy: scheme and host', 'fail', /proxy_set_header Host \$http_host/],
    [
      'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
      'proxy: client address',
      'warn',
      /X-Forwarded-For \$proxy_add_x_forwarded_for/,
    ],
  ])('without "%s"', async ([line, name, state, cure], { world, files }) => {
    await using proxy = await startNginx({ ...files, bend: without(line) });
    const found = (await examine(world, proxy, files.ca)).find((one) => one.name === name);
    expect(found).toMatchObject({ state, cure: expect.stringMatching(cure) });
  });

  test('when it tidies paths up, hides a header, compresses, or loses the port', async ({ world, files }) => {
    const bend = (text: string) =>
      text
        .replace(/proxy_pass (\S+);/, 'proxy_pass $1/; proxy_hide_header Docker-Content-Digest;')
        .replace('gzip off;', 'gzip on; gzip_types *; gzip_min_length 1;')
        .replace('Host $http_host', 'Host $host');
    await using proxy = await startNginx({ ...files, bend });
    const findings = await examine(world, proxy, files.ca);
    const cures = Object.fromEntries(findings.map(({ name, cure }) => [name, cure]));
    expect(cures).toMatchObject({
      'proxy: scheme and host': expect.stringContaining('not $host'),
      'proxy: path': expect.stringContaining('proxy_pass without a path'),
      'proxy: content': expect.stringContaining('gzip off'),
      'proxy: headers of answers': expect.stringContaining('proxy_hide_header'),
    });
  });

  test('when it does not wait for Berth', async ({ world, files }) => {
    const bend = (text: string) => text.replace('proxy_read_timeout 900s', 'proxy_read_timeout 1s');
    await using proxy = await startNginx({ ...files, bend });
    expect(await examine(world, proxy, files.ca, 3)).toMatchObject([
      { name: 'proxy: patience', state: 'fail', cure: expect.stringContaining('proxy_read_timeout') },
    ]);
  });

  test('when nothing stands behind it', async ({ world, files }) => {
    await using proxy = await startNginx({ ...files, upstream: '127.0.0.1:1' });
    expect(await examine(world, proxy, files.ca)).toMatchObject([
      { name: 'public address', state: 'fail', cure: expect.stringContaining('ingress.listen') },
    ]);
  });
});

describe.skipIf(lacks('caddy'))('Caddy is found out', () => {
  test('when it limits and buffers bodies', async ({ world, files }) => {
    const bend = (text: string) =>
      text
        .replace('\treverse_proxy', '\trequest_body {\n\t\tmax_size 8MB\n\t}\n\treverse_proxy')
        .replace('transport http', 'buffer_requests\n\t\ttransport http');
    await using proxy = await startCaddy({ ...files, bend });
    const findings = await examine(world, proxy, files.ca);
    const cures = Object.fromEntries(findings.map(({ name, cure }) => [name, cure]));
    expect(cures).toMatchObject({
      'proxy: body size': expect.stringContaining('Caddy: no request_body max_size'),
      'proxy: uploads pass through': expect.stringContaining('Caddy: no buffer_requests'),
    });
  });
});
