import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { answerOf, ask, askSocket, basic, digestOf, openPut, startUpload } from './_client.ts';
import { anyPorts, openScratch, startServer, until } from './_program.ts';

// Every request here has a connection of its own, so any of the threads may get it.
const threeThreads = [...anyPorts, '--workers', '3'];
type Server = Awaited<ReturnType<typeof startServer>>;

const signedIn = ({ username, password }: Server) => ({ authorization: basic(username, password) });
const account = (world: Server) => ({ ...world, loginServer: world.ready.loginServer });
const several = <T>(count: number, one: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => one(index)));

/** Sockets that listen on a port of 127.0.0.1. */
async function listening(loginServer: string): Promise<number> {
  const port = Number(loginServer.split(':')[1]).toString(16).toUpperCase().padStart(4, '0');
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n');
  return lines.filter((line) => line.includes(` 0100007F:${port} `) && / 0A /.test(line)).length;
}

async function statusOf(world: Server): Promise<{ inFlight: number; workers: number }> {
  const { stdout } = await world.berth(['status', '--data', world.data, '--json']);
  return JSON.parse(stdout) as { inFlight: number; workers: number };
}

describe('with several workers', () => {
  test('as many threads listen at each port as were asked for, and with one nobody shares', async () => {
    await using three = await startServer(threeThreads);
    expect(await listening(three.ready.loginServer)).toBe(3);
    expect(await listening(three.ready.endpoints.proxy?.replace('http://', '') ?? '')).toBe(3);
    await using one = await startServer();
    expect(await listening(one.ready.loginServer)).toBe(1);
  });

  test('a port that another server has is refused, whether that one shares it among threads or not', async () => {
    for (const [first, second] of [
      [threeThreads, ['--workers', '3']],
      [threeThreads, ['--workers', '1']],
      [anyPorts, ['--workers', '3']],
    ] as const) {
      await using world = await startServer(first);
      const { loginServer } = world.ready;
      const folder = join(world.folder, 'other');
      const taken = ['up', '--data', folder, '--http', loginServer, '--https', '127.0.0.1:0', '--proxy-listen', 'off'];
      const refused = await world.berth([...taken, ...second]);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('another program uses that port') });
    }
  });

  test('what is acknowledged by one thread is answered by all the others', async () => {
    await using world = await startServer(threeThreads);
    const { loginServer } = world.ready;
    const headers = signedIn(world);
    const type = 'application/vnd.oci.image.index.v1+json';
    for (let round = 0; round < 40; round++) {
      const body = JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        manifests: [],
        annotations: { round: `${round}` },
      });
      const put = { method: 'PUT', headers: { ...headers, 'content-type': type }, body };
      expect((await ask(loginServer, '/v2/seen/app/manifests/a', put)).status).toBe(201);
      const read = await several(6, () => ask(loginServer, '/v2/seen/app/manifests/a', { headers }));
      expect(read.map((answer) => answer.body.toString())).toEqual(Array.from({ length: 6 }, () => body));
    }
  });

  test('a token that was deleted over the socket opens nothing on any thread', async () => {
    await using world = await startServer(threeThreads);
    const { loginServer } = world.ready;
    const made = await world.berth(
      ['token', 'create', '--name', 'reader', '--repository', '*', '--actions', 'content/read', '--json'].concat(
        '--data',
        world.data,
      ),
    );
    const { passwords } = JSON.parse(made.stdout) as { passwords: { value: string }[] };
    const headers = { authorization: basic('reader', passwords[0]?.value ?? '') };
    const statuses = () => several(12, async () => (await ask(loginServer, '/v2/', { headers })).status);
    expect(new Set(await statuses())).toEqual(new Set([200]));
    await world.berth(['token', 'delete', 'reader', '--data', world.data]);
    expect(new Set(await statuses())).toEqual(new Set([401]));
  });

  test('one upload session written over many connections holds exactly what was acknowledged', async () => {
    await using world = await startServer(threeThreads);
    const { loginServer } = world.ready;
    const session = await startUpload(account(world), 'hammered/app');
    const size = 4 << 20;
    const taken: { at: number; bytes: Buffer }[] = [];
    let position = 0;
    // Each writes bytes of its own, so that what one leaves under another's feet shows.
    await several(8, async (writer) => {
      for (let round = 0; position < size; round++) {
        const seed = createHash('sha256').update(`${writer} ${round}`).digest();
        const bytes = Buffer.alloc(40_000 + writer * 7_000, seed);
        const at = position;
        const headers = { ...signedIn(world), 'content-range': `${at}-${at + bytes.length - 1}` };
        const answer = await ask(loginServer, session, { method: 'PATCH', headers, body: bytes });
        expect([202, 409, 416]).toContain(answer.status);
        if (answer.status === 202) {
          taken.push({ at, bytes });
          position = Math.max(position, at + bytes.length);
        } else if (answer.status === 416) {
          position = Math.max(position, Number(String(answer.headers['range']).split('-')[1]) + 1);
        }
      }
    });
    taken.sort((one, other) => one.at - other.at);
    for (const [index, { at }] of taken.entries()) {
      const before = taken[index - 1];
      expect(at).toBe(before ? before.at + before.bytes.length : 0);
    }
    const whole = Buffer.concat(taken.map(({ bytes }) => bytes));
    const put = `${session}${session.includes('?') ? '&' : '?'}digest=${digestOf(whole)}`;
    expect((await ask(loginServer, put, { method: 'PUT', headers: signedIn(world) })).status).toBe(201);
    const blob = `/v2/hammered/app/blobs/${digestOf(whole)}`;
    expect((await ask(loginServer, blob, { headers: signedIn(world) })).body.equals(whole)).toBe(true);
  });

  test('the page of metrics counts the requests of all threads once', async () => {
    await using world = await startServer(threeThreads);
    await several(30, () => ask(world.ready.loginServer, '/v2/', { headers: signedIn(world) }));
    const { socket } = JSON.parse(await readFile(join(world.data, 'run.json'), 'utf8')) as { socket: string };
    const count = async (): Promise<string | undefined> => {
      const page = (await askSocket(socket, '/metrics')).body.toString();
      expect(page.match(/^process_start_time_seconds /gm)).toHaveLength(1);
      return /^berth_requests_total\{operation="v2.base",method="GET",status="200"\} ([0-9]+)$/m.exec(page)?.[1];
    };
    // A request is counted when its answer is out, which the client may know first.
    await until('the count of all requests', async () => ((await count()) === '30' ? true : undefined));
    expect(await count()).toBe('30');
  });

  test('the operator is told at once why a request was refused, whichever thread refused it', async () => {
    await using world = await startServer(threeThreads);
    const refused = await several(6, () => ask(world.ready.loginServer, '/v2/secret/app/tags/list'));
    for (const { headers } of refused) {
      const id = String(headers['x-ms-correlation-request-id']);
      const said = await world.berth(['why', id, '--data', world.data]);
      expect(said.stdout + said.stderr).toContain(id);
      expect(said.code).toBe(0);
    }
  });

  test('a stop lets uploads on all threads finish, refuses new requests on all, and ends with 0', async () => {
    await using world = await startServer(threeThreads);
    const bytes = await several(6, async () => randomBytes(1 << 20));
    const uploads = await Promise.all(bytes.map((one, index) => openPut(account(world), `slow/app${index}`, one)));
    const answers = uploads.map((upload) => answerOf(upload));
    for (const answer of answers) answer.catch(() => undefined);
    for (const [index, upload] of uploads.entries()) upload.write(bytes[index]?.subarray(0, 1000));
    await until('six running uploads', async () => ((await statusOf(world)).inFlight === 6 ? true : undefined));
    world.server.child.kill('SIGTERM');
    const statuses = () => several(10, async () => (await ask(world.ready.loginServer, '/v2/')).status);
    await until('503 on every thread', async () => ((await statuses()).every((one) => one === 503) ? true : undefined));
    for (const [index, upload] of uploads.entries()) upload.end(bytes[index]?.subarray(1000));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(bytes.map(() => 201));
    expect(await world.server.exit).toEqual({ code: 0, signal: null });
    for (const line of world.server.stderr().trim().split('\n'))
      expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  test('a second signal ends a stop that waits for a client', async () => {
    await using world = await startServer([...threeThreads, '--shutdown-grace', '10m']);
    const upload = await openPut(account(world), 'slow/app', randomBytes(1 << 20));
    const answer = answerOf(upload);
    answer.catch(() => undefined);
    upload.write('half');
    await until('a running upload', async () => ((await statusOf(world)).inFlight === 1 ? true : undefined));
    const first = performance.now();
    world.server.child.kill('SIGTERM');
    await until('the drain', async () =>
      (await ask(world.ready.loginServer, '/v2/')).status === 503 ? true : undefined,
    );
    await until('more than half a second', () => (performance.now() - first > 700 ? true : undefined));
    world.server.child.kill('SIGTERM');
    expect(await world.server.exit).toEqual({ code: 0, signal: null });
    await expect(answer).rejects.toThrow();
  });

  test('a thread that crashes ends the process with 1, and the log says which and why', async () => {
    const preload = pathToFileURL(join(import.meta.dirname, '_crash-a-thread.mjs')).href;
    await using flag = await openScratch();
    const when = join(flag.folder, 'now');
    const env = { NODE_OPTIONS: `--import ${preload}`, CRASH_WHEN: when };
    await using world = await startServer(threeThreads, { env });
    await writeFile(when, '');
    expect(await world.server.exit).toEqual({ code: 1, signal: null });
    const lines = world.server.stderr().trim().split('\n');
    const said = lines.map((line) => JSON.parse(line) as { msg: string; thread?: number; err?: { message: string } });
    expect(said.find(({ msg }) => msg === 'thread-lost')).toMatchObject({
      thread: 1,
      err: { message: 'crashed as planned' },
    });
    expect(said.at(-1)?.msg).toBe('stopped');
  });
});
