import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { stateOf } from './_folder.ts';
import { anyPorts, hasNobody, type Output, openScratch, type Scratch, type StartOptions } from './_program.ts';

/** `berth up` that must say no: one line on standard error, nothing on standard output, nothing changed in the folder. */
async function refusedUp(scratch: Scratch, args: readonly string[], options: StartOptions = {}): Promise<string> {
  const before = await stateOf(scratch.data);
  const output = await scratch.berth(['up', '--json', '--data', scratch.data, ...args], options);
  expect(await stateOf(scratch.data)).toEqual(before);
  return refusal(output);
}

function refusal(output: Output): string {
  expect(output.stdout).toBe('');
  expect(output.code).toBe(1);
  expect(output.stderr).toMatch(/^berth: [^\n]+\n$/);
  return output.stderr;
}

/** Starts for the first time after a refusal, which must not have used up the one time that the secret is shown. */
async function expectFirstStart(scratch: Scratch): Promise<void> {
  const server = scratch.up();
  expect((await server.ready()).password).toEqual(expect.any(String));
  expect((await server.stop()).code).toBe(0);
}

/** Makes data by a start that ended well. */
async function makeData(scratch: Scratch): Promise<void> {
  const server = scratch.up();
  await server.ready();
  expect((await server.stop()).code).toBe(0);
}

async function takePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

describe('a start is refused in one line, with nothing half-made', () => {
  test.each(['http', 'https', 'management'])('when the port of the %s listener is taken', async (listener) => {
    await using scratch = await openScratch();
    await using taken = await takePort();
    const listen = listener === 'management' ? 'management-listen' : listener;
    const message = await refusedUp(scratch, [...anyPorts, `--${listen}`, taken.address]);
    expect(message).toContain(`cannot listen on ${taken.address} (${listener}.listen): another program uses that port`);
    await expectFirstStart(scratch);
  });

  test('when the address is not one of this machine', async () => {
    await using scratch = await openScratch();
    expect(await refusedUp(scratch, [...anyPorts, '--https', '192.0.2.1:8443'])).toContain('no such address');
  });

  test('when another server has the folder, which goes on', async () => {
    await using scratch = await openScratch();
    const first = scratch.up();
    const ready = await first.ready();
    const second = refusal(await scratch.berth(['up', '--data', scratch.data, ...anyPorts]));
    expect(second).toContain(`is in use by the process with pid ${ready.pid}`);
    expect((await scratch.berth(['status', '--data', scratch.data])).code).toBe(0);
    expect((await first.stop()).code).toBe(0);
  });

  test('when the data are of a newer format', async () => {
    await using scratch = await openScratch();
    await makeData(scratch);
    const file = join(scratch.data, 'berth.json');
    const info = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify({ ...info, format: 2 }));
    expect(await refusedUp(scratch, anyPorts)).toContain('incompatible version: format 2');
  });

  test('when the database is of a newer version', async () => {
    await using scratch = await openScratch();
    await makeData(scratch);
    const database = new DatabaseSync(join(scratch.data, 'berth.db'));
    database.exec("insert into schema_migration (version, name) values (2, 'from-the-future')");
    database.exec('pragma wal_checkpoint(truncate)');
    database.close();
    expect(await refusedUp(scratch, anyPorts)).toMatch(/schema version 2, this program knows versions up to 1/);
  });

  test('when the domain is another than the data were made for', async () => {
    await using scratch = await openScratch();
    await makeData(scratch);
    const message = await refusedUp(scratch, [...anyPorts, '--domain', 'other.example']);
    expect(message).toContain('is for berth.localhost, and the domain is now other.example');
    expect((await scratch.up().ready()).ready).toBe(true);
  });

  test('when the domain has one label', async () => {
    await using scratch = await openScratch();
    const message = await refusedUp(scratch, [...anyPorts, '--domain', 'localhost']);
    expect(message).toContain('"localhost" has one label');
    await expectFirstStart(scratch);
  });

  test('when others may read the root key', async () => {
    await using scratch = await openScratch();
    await makeData(scratch);
    await chmod(join(scratch.data, 'root.key'), 0o644);
    expect(await refusedUp(scratch, anyPorts)).toMatch(/root\.key \(mode 644\); run: chmod 600 /);
  });

  test('when the folder holds other things', async () => {
    await using scratch = await openScratch();
    await mkdir(scratch.data);
    await writeFile(join(scratch.data, 'thesis.tex'), 'years of work');
    expect(await refusedUp(scratch, anyPorts)).toContain('holds "thesis.tex" but no data of Berth');
  });

  test('when the place of the blobs is taken', async () => {
    await using scratch = await openScratch();
    await makeData(scratch);
    await rm(join(scratch.data, 'blobs'), { recursive: true });
    await writeFile(join(scratch.data, 'blobs'), 'not a folder');
    expect(await refusedUp(scratch, anyPorts)).toContain(`cannot work in ${scratch.data}: `);
  });

  test('when the data folder is a file', async () => {
    await using scratch = await openScratch();
    await writeFile(scratch.data, '');
    expect(refusal(await scratch.berth(['up', '--data', scratch.data, ...anyPorts]))).toContain('is not a folder');
  });

  test('when plain HTTP would leave this machine', async () => {
    await using scratch = await openScratch();
    const message = await refusedUp(scratch, ['--http', '0.0.0.0:0', '--https', 'off']);
    expect(message).toContain('0.0.0.0:0 is not a loopback address: passwords would cross the network unencrypted');
    await expectFirstStart(scratch);
  });

  test.runIf(hasNobody())('when this user may not make the folder', async () => {
    await using scratch = await openScratch();
    await chmod(scratch.folder, 0o755);
    const message = await refusedUp(scratch, anyPorts, { asNobody: true });
    expect(message).toContain('cannot be used: this user may not write there; name another with --data');
  });

  test.runIf(hasNobody())('when the folder belongs to another user', async () => {
    await using scratch = await openScratch();
    await chmod(scratch.folder, 0o755);
    await makeData(scratch);
    expect(await refusedUp(scratch, anyPorts, { asNobody: true })).toContain(scratch.data);
    await chmod(scratch.data, 0o755);
    expect(await refusedUp(scratch, anyPorts, { asNobody: true })).toContain(scratch.data);
  });
});

describe('a setting that Berth does not know is refused', () => {
  test('in berth.yaml', async () => {
    await using scratch = await openScratch();
    await mkdir(scratch.data);
    await writeFile(join(scratch.data, 'berth.yaml'), 'http:\n  listn: 127.0.0.1:0\n');
    const message = await refusedUp(scratch, anyPorts);
    expect(message).toMatch(/"http\.listn" in \S+berth\.yaml is not a known key; did you mean "http\.listen"\?/);
    await writeFile(join(scratch.data, 'berth.yaml'), 'limits:\n  manifestBytes: 1MiB\n');
    await expectFirstStart(scratch);
  });

  test('in the environment', async () => {
    await using scratch = await openScratch();
    const message = await refusedUp(scratch, anyPorts, { env: { BERTH_HTTP_LISTN: '127.0.0.1:0' } });
    expect(message).toContain('the environment variable BERTH_HTTP_LISTN is not known to Berth');
    await expectFirstStart(scratch);
  });

  test('on the command line', async () => {
    await using scratch = await openScratch();
    expect(await refusedUp(scratch, [...anyPorts, '--http-listn', '127.0.0.1:0'])).toMatch(
      /unknown option '--http-listn'.*did you mean --http-listen\?/i,
    );
    expect(refusal(await scratch.berth(['upp']))).toContain("unknown command 'upp'");
    expect(refusal(await scratch.berth(['up', 'now']))).toContain('too many arguments');
  });
});
