import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/main/doctor/finding.ts';
import { checkFront } from '../../src/main/doctor/front.ts';
import { askServer } from '../../src/main/management-client.ts';
import { type Bending, startBendingProxy } from './_bending-proxy.ts';
import { stateOf } from './_folder.ts';
import { anyPorts, type Output, openScratch, startServer } from './_program.ts';

/** No engines, no proxies: what this machine has is not the test's. */
const emptyEnv = { PATH: '/nonexistent', HTTP_PROXY: '', HTTPS_PROXY: '', http_proxy: '', https_proxy: '' };
/** What depends on the machine: its resolver, how full and how busy its disk is, an engine. */
const ofTheMachine = /^(?:name |space |speed |docker)/;

let world: Awaited<ReturnType<typeof startServer>>;
let proxyListener: string;
beforeAll(async () => {
  world = await startServer([...anyPorts, '--ingress-listen', '127.0.0.1:0', '--ingress-trusted', '127.0.0.1']);
  const { stdout } = await world.berth(['status', '--json', '--data', world.data]);
  const { listeners } = JSON.parse(stdout) as { listeners: { name: string; host: string; port: number }[] };
  const { host, port } = listeners.find(({ name }) => name === 'ingress') ?? { host: '', port: 0 };
  proxyListener = `${host}:${port}`;
});
afterAll(() => world[Symbol.asyncDispose]());

function findingsOf(output: Output): Finding[] {
  expect(output.stderr).toBe('');
  return (JSON.parse(output.stdout) as { findings: Finding[] }).findings;
}

async function examine(...args: string[]): Promise<{ findings: Finding[]; code: number | null }> {
  const output = await world.berth(['doctor', '--json', '--data', world.data, ...args], { env: emptyEnv });
  return { findings: findingsOf(output), code: output.code };
}

/** The findings of a probe through a proxy that bends requests, those that are not ok. */
async function through(bending: Bending): Promise<Finding[]> {
  await using proxy = await startBendingProxy(proxyListener, bending);
  const findings = await checkFront({
    url: proxy.url,
    authorities: [],
    operator: (method, path, body) => askServer(world.data, method, path, body),
    domain: 'berth.localhost',
    bodySizes: [1 << 20, 2 << 20],
    slowSeconds: null,
  });
  return findings.filter(({ state }) => state === 'warn' || state === 'fail');
}

describe('a healthy server', () => {
  test('has nothing that fails, and nothing is left behind', async () => {
    const before = await stateOf(join(world.data, 'blobs'));
    const { findings, code } = await examine();
    expect(code).toBe(0);
    expect(findings.filter(({ name, state }) => state !== 'ok' && !ofTheMachine.test(name))).toEqual([
      { name: 'podman trusts', state: 'skipped', found: 'podman is not installed', cure: null },
      {
        name: 'proxy in front',
        state: 'skipped',
        found: 'give the address that clients use with --url',
        cure: null,
      },
    ]);
    const names = findings.map(({ name }) => name);
    for (const expected of ['data folder', 'server', 'database', 'open files', 'listener https', 'authority']) {
      expect(names).toContain(expected);
    }
    expect(await stateOf(join(world.data, 'blobs'))).toEqual(before);
    expect(Object.keys(await stateOf(world.data)).some((path) => path.includes('.doctor'))).toBe(false);
  });

  test('is in order behind a good proxy, and keeps no token and no upload of the probe', async () => {
    const before = await stateOf(join(world.data, 'blobs'));
    expect(await through({})).toEqual([]);
    const tokens = await world.berth(['token', 'list', '--json', '--data', world.data]);
    expect(JSON.parse(tokens.stdout)).toEqual({ tokens: [] });
    expect(await stateOf(join(world.data, 'blobs'))).toEqual(before);
  });

  test('is told in lines that name the cure', async () => {
    const bending = { scheme: 'https', date: 'Mon, 01 Jan 2024 00:00:00 GMT' };
    await using proxy = await startBendingProxy(proxyListener, bending);
    const args = ['doctor', '--data', world.data, '--url', proxy.url, '--largest-body', '1MiB'];
    const output = await world.berth(args, { env: emptyEnv });
    expect(output.code).toBe(1);
    expect(output.stdout).toMatch(/^ok {4}data folder +/m);
    expect(output.stdout).toMatch(/^FAIL {2}proxy: scheme and host .*\n +cure: .*X-Forwarded-Proto/m);
    expect(output.stdout).toMatch(/^WARN {2}clock of localhost:\d+ .* behind this machine\n +cure: .*chrony/m);
  });
});

describe('a proxy in front is found out when it', () => {
  test.each<[string, Bending, string, RegExp]>([
    ['changes Host', { host: 'inner:80' }, 'proxy: scheme and host', /proxy_set_header Host \$http_host/],
    ['loses the port', { host: 'localhost' }, 'proxy: scheme and host', /\$http_host, not \$host/],
    ['tells another scheme', { scheme: 'https' }, 'proxy: scheme and host', /X-Forwarded-Proto/],
    ['decodes paths', { target: (path) => path.replace('%2F', '/') }, 'proxy: path', /proxy_pass without a path/],
    ['strips a slash', { target: (path) => path.replace('/uploads/?', '/uploads?') }, 'proxy: path', /proxy_pass/],
    ['tidies queries', { target: (path) => path.replace('scope=a&', '') }, 'proxy: query', /no rewrite/],
    ['asks GET for HEAD', { method: (one) => (one === 'HEAD' ? 'GET' : one) }, 'proxy: methods', /convert_head/],
    ['eats If-None-Match', { withoutRequestHeaders: ['if-none-match'] }, 'proxy: headers of requests', /header_up/],
    ['eats digests', { withoutAnswerHeaders: ['docker-content-digest'] }, 'proxy: headers of answers', /hide_header/],
    ['eats Location', { withoutAnswerHeaders: ['location'] }, 'proxy: Location', /proxy_redirect off/],
    ['compresses', { gzip: true }, 'proxy: content', /gzip off/],
    ['cuts bodies', { cutBehind: 1_500_000 }, 'proxy: body size', /client_max_body_size 0/],
  ])('%s', async (_, bending, name, cure) => {
    const found = (await through(bending)).find((one) => one.name === name);
    expect(found?.cure).toMatch(cure);
  });

  test('is not among those that Berth trusts', async () => {
    await using other = await startServer([
      ...anyPorts,
      '--ingress-listen',
      '127.0.0.1:0',
      '--ingress-trusted',
      '10.9.8.7',
    ]);
    const status = JSON.parse((await other.berth(['status', '--json', '--data', other.data])).stdout) as {
      listeners: { name: string; port: number }[];
    };
    const port = status.listeners.find(({ name }) => name === 'ingress')?.port;
    await using proxy = await startBendingProxy(`127.0.0.1:${port}`);
    const output = await other.berth(['doctor', '--json', '--data', other.data, '--url', proxy.url], { env: emptyEnv });
    expect(findingsOf(output).find(({ name }) => name === 'public address')).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('127.0.0.1 is not in ingress.trusted'),
    });
  });

  test('redirects, or is not there', async () => {
    await using proxy = await startBendingProxy(proxyListener, { redirectTo: 'https://registry.example.com/' });
    const redirected = await examine('--url', proxy.url);
    expect(redirected.findings.at(-1)).toMatchObject({ name: 'public address', state: 'fail' });
    expect(redirected.findings.at(-1)?.found).toContain('301 to https://registry.example.com/');
    const unresolved = await examine('--url', 'https://nothing.invalid');
    expect(unresolved.findings.at(-1)?.cure).toContain('does not resolve');
    const wrongForm = await examine('--url', 'https://registry.example.com/path');
    expect(wrongForm.findings.at(-1)?.found).toContain('at the root of its host');
  });

  test('sends to a listener that does not read its headers', async () => {
    await using proxy = await startBendingProxy(world.ready.loginServer);
    const { findings } = await examine('--url', proxy.url, '--largest-body', '1MiB');
    expect(findings.find(({ name }) => name === 'proxy: client address')).toMatchObject({
      state: 'warn',
      cure: expect.stringContaining('ingress.listen'),
    });
  });
});

describe('without a running server', () => {
  test('it tells so, and who has the ports', async () => {
    await using scratch = await openScratch();
    const first = scratch.up();
    await first.ready();
    await first.stop();
    await using taken = await takePort();
    await writeFile(join(scratch.data, 'berth.yaml'), `http:\n  listen: 127.0.0.1:${taken.port}\n`);
    const output = await scratch.berth(['doctor', '--json', '--data', scratch.data], { env: emptyEnv });
    expect(output.code).toBe(1);
    const findings = findingsOf(output);
    expect(findings.find(({ name }) => name === 'server')).toMatchObject({ state: 'fail', cure: 'berth up' });
    expect(findings.find(({ name }) => name === 'listener http')).toMatchObject({
      state: 'fail',
      found: expect.stringContaining(`(pid ${process.pid})`),
    });
  });

  test('and without a data folder it makes none', async () => {
    await using scratch = await openScratch();
    const output = await scratch.berth(['doctor', '--json', '--data', scratch.data], { env: emptyEnv });
    expect(output.code).toBe(1);
    expect(findingsOf(output)[0]).toMatchObject({ name: 'data folder', state: 'fail' });
    expect(await stateOf(scratch.data)).toEqual({});
  });
});

async function takePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
