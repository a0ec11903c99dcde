import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type Answer, answerOf, ask, basic, bodyOf, digestOf, open, openPut, pushBlob } from './_client.ts';
import { stateOf } from './_folder.ts';
import { anyPorts, launcher, olderNode, openScratch, startServer, until } from './_program.ts';

const MiB = 1 << 20;
type Server = Awaited<ReturnType<typeof startServer>>;

/** A PUT of which the server has read the first half. */
async function halfUpload(world: Pick<Server, 'ready' | 'username' | 'password' | 'data' | 'berth'>, bytes: Buffer) {
  const put = await openPut({ ...world, loginServer: world.ready.loginServer }, 'slow/upload', bytes);
  const answer = answerOf(put);
  answer.catch(() => undefined);
  put.write(bytes.subarray(0, bytes.length / 2));
  await until('a running upload', async () => {
    const { stdout } = await world.berth(['status', '--data', world.data, '--json']);
    return (JSON.parse(stdout) as { inFlight: number }).inFlight === 1 ? true : undefined;
  });
  return { finish: () => put.end(bytes.subarray(bytes.length / 2)), answer };
}

/** Asks until the server says that it is shutting down. */
async function untilDraining(loginServer: string): Promise<Answer> {
  return until('the answer of a server that drains', async () => {
    const answer = await ask(loginServer, '/v2/');
    return answer.status === 503 ? answer : undefined;
  });
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('lets a running upload finish, refuses new requests, ends with 0', async () => {
    await using world = await startServer();
    const bytes = randomBytes(4 * MiB);
    const upload = await halfUpload(world, bytes);
    world.server.child.kill(signal);

    const refused = await untilDraining(world.ready.loginServer);
    expect(refused.headers['content-type']).toContain('application/json');
    expect(refused.headers['retry-after']).toBe('5');
    expect(JSON.parse(refused.body.toString())).toMatchObject({
      errors: [{ message: 'the registry is shutting down; try again in a moment' }],
    });
    upload.finish();
    expect((await upload.answer).status).toBe(201);
    expect(await world.server.exit).toEqual({ code: 0, signal: null });

    const next = await world.up().ready();
    const pulled = await ask(next.loginServer, `/v2/slow/upload/blobs/${digestOf(bytes)}`, {
      headers: { authorization: basic(world.username, world.password) },
    });
    expect(pulled.body.equals(bytes)).toBe(true);
  });

  test('lets a running download finish', async () => {
    await using world = await startServer();
    // More than the buffers of both ends hold, so that the server is still sending when it is told to stop.
    const bytes = randomBytes(64 * MiB);
    const account = { ...world, loginServer: world.ready.loginServer };
    const path = await pushBlob(account, 'slow/download', bytes);
    const asked = open(account.loginServer, path, 'GET', { authorization: basic(world.username, world.password) });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    world.server.child.kill(signal);
    await untilDraining(account.loginServer);
    expect((await bodyOf(response)).equals(bytes)).toBe(true);
    expect(await world.server.exit).toEqual({ code: 0, signal: null });
  });

  test('leaves nothing of the running server behind', async () => {
    await using world = await startServer();
    expect(await world.server.stop(signal)).toEqual({ code: 0, signal: null });
    const names = Object.keys(await stateOf(world.data));
    for (const name of ['run.json', 'berth.sock', 'lock.pid', 'berth.db-wal', 'berth.db-shm']) {
      expect(names).not.toContain(name);
    }
  });
});

describe('the grace', () => {
  test('ends: a request that does not finish is cut', async () => {
    await using world = await startServer([...anyPorts, '--shutdown-grace', '1s']);
    const upload = await halfUpload(world, randomBytes(MiB));
    const started = performance.now();
    expect(await world.server.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeGreaterThan(900);
    await expect(upload.answer).rejects.toThrow();
    expect(world.server.stderr()).toContain('"msg":"stopped"');
    expect((await world.up().ready()).ready).toBe(true);
  });

  test('ends at once with a second signal', async () => {
    await using world = await startServer([...anyPorts, '--shutdown-grace', '10m']);
    const upload = await halfUpload(world, randomBytes(MiB));
    const first = performance.now();
    world.server.child.kill('SIGINT');
    await untilDraining(world.ready.loginServer);
    // What comes within half a second is the same request: a signal to a process group arrives twice.
    await until('more than half a second', () => (performance.now() - first > 700 ? true : undefined));
    world.server.child.kill('SIGINT');
    expect(await world.server.exit).toEqual({ code: 0, signal: null });
    await expect(upload.answer).rejects.toThrow();
  });

  const older = olderNode();
  test.skipIf(older === undefined)('is kept when one signal arrives twice, through an older Node', async () => {
    await using scratch = await openScratch();
    const server = scratch.start(
      String(older),
      [launcher, 'up', '--json', '--data', scratch.data, ...anyPorts],
      // As a service manager does it: every process of the group is signalled, and the launcher passes it on.
      { group: true },
    );
    const ready = await server.ready();
    expect(ready.pid).not.toBe(server.pid);
    const bytes = randomBytes(MiB);
    const { username = '', password = '' } = ready;
    const upload = await halfUpload({ ...scratch, ready, username, password }, bytes);
    process.kill(-server.pid, 'SIGTERM');
    await untilDraining(ready.loginServer);
    upload.finish();
    expect((await upload.answer).status).toBe(201);
    expect(await server.exit).toEqual({ code: 0, signal: null });
  });
});

test('a server whose log nobody reads any more stops all the same', async () => {
  await using world = await startServer();
  world.server.child.stderr?.destroy();
  // The lines of the stop itself are the first that cannot be written.
  world.server.child.kill('SIGTERM');
  expect(await world.server.exit).toEqual({ code: 0, signal: null });
});
