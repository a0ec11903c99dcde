/* oxlint-disable vitest/expect-expect -- what they expect is in a function */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from './_client.ts';
import { digestOf, openUpload } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'team/push';
const megabyte = 1024 * 1024;

let berth: Berth;
let admin: Client;
beforeAll(async () => {
  berth = await startBerth('--limits-layer-bytes', '3MiB', '--limits-open-uploads-per-identity', '20');
  admin = berth.admin;
});
afterAll(() => berth[Symbol.asyncDispose]());

const uploads = `/v2/${repository}/blobs/uploads/`;
const pull = (digest: string) => admin('GET', `/v2/${repository}/blobs/${digest}`);

function expectCreated(answer: Answer, digest: string): void {
  expect(answer.status, answer.text).toBe(201);
  expect(answer.headers.location).toBe(`/v2/${repository}/blobs/${digest}`);
  expect(answer.headers['docker-content-digest']).toBe(digest);
}

function patch(location: string, bytes: Uint8Array, start: number | null): Promise<Answer> {
  const range = start === null ? {} : { 'content-range': `${start}-${start + bytes.length - 1}` };
  return admin('PATCH', location, { body: bytes, headers: range });
}

describe('a blob in one POST', () => {
  it.each([0, 1, 1000, 65_536, 65_537, 2 * megabyte])('of %i bytes is stored under its digest', async (size) => {
    const bytes = randomBytes(size);
    const digest = digestOf(bytes);
    expectCreated(await admin('POST', `${uploads}?digest=${digest}`, { body: bytes }), digest);
    expect((await pull(digest)).body.equals(bytes)).toBe(true);
  });

  it('may come chunked, without a length', async () => {
    const bytes = randomBytes(100_000);
    const digest = digestOf(bytes);
    expectCreated(await admin('POST', `${uploads}?digest=${digest}`, { body: bytes, chunked: true }), digest);
    expect((await pull(digest)).body.equals(bytes)).toBe(true);
  });

  it('is refused and not stored when the digest is not that of the bytes', async () => {
    for (const size of [10, 100_000]) {
      const claimed = digestOf(randomBytes(8));
      const answer = await admin('POST', `${uploads}?digest=${claimed}`, { body: randomBytes(size) });
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'DIGEST_INVALID' });
      expect((await pull(claimed)).status).toBe(404);
    }
  });
});

describe('POST, then PUT', () => {
  it('stores the blob, and ends the session', async () => {
    const bytes = randomBytes(5000);
    const digest = digestOf(bytes);
    const location = await openUpload(admin, repository);
    expectCreated(await admin('PUT', `${location}?digest=${digest}`, { body: bytes }), digest);
    expect((await pull(digest)).body.equals(bytes)).toBe(true);
    const again = await admin('PUT', `${location}?digest=${digest}`, { body: bytes });
    expect({ status: again.status, code: again.code }).toEqual({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' });
  });

  it('stores a blob of no bytes', async () => {
    const digest = digestOf('');
    expectCreated(await admin('PUT', `${await openUpload(admin, repository)}?digest=${digest}`), digest);
    expect((await pull(digest)).body.length).toBe(0);
  });

  it('is refused with a wrong digest, and the session is gone', async () => {
    const location = await openUpload(admin, repository);
    const answer = await admin('PUT', `${location}?digest=${digestOf('other')}`, { body: 'these' });
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'DIGEST_INVALID' });
    expect((await admin('GET', location)).status).toBe(404);
  });

  it.each(['', '?digest=', '?digest=sha256:abc', '?digest=md5:d41d8cd98f00b204e9800998ecf8427e', '?digest=nothing'])(
    'is refused with the query "%s", and the session goes on',
    async (query) => {
      const location = await openUpload(admin, repository);
      const answer = await admin('PUT', `${location}${query}`, { body: 'these' });
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'DIGEST_INVALID' });
      expectCreated(
        await admin('PUT', `${location}?digest=${digestOf('these')}`, { body: 'these' }),
        digestOf('these'),
      );
    },
  );
});

describe('a blob in chunks', () => {
  it.each([
    ['small', 500],
    ['large', 700_000],
  ])('arrives whole from %s chunks, the last one in the closing PUT', async (_, size) => {
    const bytes = randomBytes(3 * size);
    const digest = digestOf(bytes);
    let location = await openUpload(admin, repository);
    for (const part of [0, 1]) {
      const sent = await patch(location, bytes.subarray(part * size, (part + 1) * size), part * size);
      expect(sent.status, sent.text).toBe(202);
      expect(sent.headers['range']).toBe(`0-${(part + 1) * size - 1}`);
      location = String(sent.headers.location);
    }
    const put = await admin('PUT', `${location}?digest=${digest}`, {
      body: bytes.subarray(2 * size),
      headers: { 'content-range': `${2 * size}-${3 * size - 1}` },
    });
    expectCreated(put, digest);
    expect((await pull(digest)).body.equals(bytes)).toBe(true);
  });

  it('takes a stream without Content-Range, and closes with an empty PUT', async () => {
    const bytes = randomBytes(200_000);
    const location = await openUpload(admin, repository);
    const sent = await admin('PATCH', location, { body: bytes, chunked: true });
    expect({ status: sent.status, range: sent.headers['range'] }).toEqual({ status: 202, range: '0-199999' });
    expectCreated(await admin('PUT', `${location}?digest=${digestOf(bytes)}`), digestOf(bytes));
  });

  it('takes the first chunk of the form that RFC 9110 writes', async () => {
    const location = await openUpload(admin, repository);
    const sent = await admin('PATCH', location, { body: 'abcd', headers: { 'content-range': 'bytes 0-3/*' } });
    expect(sent.status).toBe(202);
  });

  it('answers 416 with Range and Location for a chunk out of order, and goes on from there', async () => {
    const location = await openUpload(admin, repository);
    const first = await patch(location, Buffer.from('0123456789'), 5);
    expect(first.status).toBe(416);
    expect(first.headers).toMatchObject({ location, range: '0-0' });

    expect((await patch(location, Buffer.from('0123456789'), 0)).status).toBe(202);
    for (const start of [0, 9, 11, 500]) {
      const wrong = await patch(location, Buffer.from('abc'), start);
      expect({ status: wrong.status, code: wrong.code }).toEqual({ status: 416, code: 'BLOB_UPLOAD_INVALID' });
      expect(wrong.headers).toMatchObject({ location, range: '0-9' });
    }
    const digest = digestOf('0123456789abc');
    const wrongEnd = await admin('PUT', `${location}?digest=${digest}`, {
      body: 'abc',
      headers: { 'content-range': '12-14' },
    });
    expect(wrongEnd.status).toBe(416);
    expect(wrongEnd.headers).toMatchObject({ location, range: '0-9' });
    expectCreated(
      await admin('PUT', `${location}?digest=${digest}`, { body: 'abc', headers: { 'content-range': '10-12' } }),
      digest,
    );
  });

  it.each(['bytes', '3-1', 'a-b', '-5', '0-', '0-3,5-6', '0-99999999999999999999', 'bytes 0-3/2'])(
    'refuses the Content-Range "%s"',
    async (range) => {
      const location = await openUpload(admin, repository);
      const sent = await admin('PATCH', location, { body: 'abcd', headers: { 'content-range': range } });
      expect({ status: sent.status, code: sent.code }).toEqual({ status: 400, code: 'BLOB_UPLOAD_INVALID' });
      expect((await admin('DELETE', location)).status).toBe(204);
    },
  );

  it('refuses a Content-Range that its length contradicts, and keeps nothing of it', async () => {
    for (const chunked of [false, true]) {
      const location = await openUpload(admin, repository);
      const sent = await admin('PATCH', location, { body: 'abcd', chunked, headers: { 'content-range': '0-9' } });
      expect({ status: sent.status, code: sent.code }).toEqual({ status: 400, code: 'BLOB_UPLOAD_INVALID' });
      expect((await patch(location, Buffer.from('wxyz'), 0)).headers['range']).toBe('0-3');
      expectCreated(await admin('PUT', `${location}?digest=${digestOf('wxyz')}`), digestOf('wxyz'));
    }
  });

  it('tells where it stands', async () => {
    const location = await openUpload(admin, repository);
    const fresh = await admin('GET', location);
    expect({ status: fresh.status, range: fresh.headers['range'] }).toEqual({ status: 204, range: '0-0' });
    await patch(location, Buffer.from('12345'), 0);
    const status = await admin('GET', location);
    expect(status.status).toBe(204);
    expect(status.headers).toMatchObject({ location, range: '0-4', 'docker-upload-uuid': location.split('/').at(-1) });
  });

  it('is cancelled by DELETE', async () => {
    const location = await openUpload(admin, repository);
    await patch(location, randomBytes(100_000), 0);
    expect((await admin('DELETE', location)).status).toBe(204);
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const answer = await admin(method, location, method === 'PATCH' ? { body: 'x' } : {});
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' });
    }
  });
});

describe('requests at the same time', () => {
  const statusesOf = (answers: Answer[]) => answers.map((answer) => answer.status).toSorted((a, b) => a - b);

  it('for one place in a session: one is taken, the others hear where it stands', async () => {
    const location = await openUpload(admin, repository);
    const chunks = ['aaaaa', 'bbbbb', 'ccccc', 'ddddd'].map((text) => Buffer.from(text));
    const answers = await Promise.all(chunks.map((chunk) => patch(location, chunk, 0)));
    expect(statusesOf(answers)).toEqual([202, 416, 416, 416]);
    for (const answer of answers) expect(answer.headers['range']).toBe('0-4');
    const taken = chunks[answers.findIndex((answer) => answer.status === 202)] ?? Buffer.alloc(0);
    expectCreated(await admin('PUT', `${location}?digest=${digestOf(taken)}`), digestOf(taken));
  });

  it('that close one session make the blob once', async () => {
    const location = await openUpload(admin, repository);
    const bytes = randomBytes(100_000);
    const close = () => admin('PUT', `${location}?digest=${digestOf(bytes)}`, { body: bytes });
    const answers = await Promise.all([close(), close(), close()]);
    expect(statusesOf(answers)).toEqual([201, 404, 404]);
    expect((await pull(digestOf(bytes))).body.equals(bytes)).toBe(true);
  });

  it('with the same blob all succeed', async () => {
    const bytes = randomBytes(300_000);
    const digest = digestOf(bytes);
    const sends = Array.from({ length: 8 }, () => admin('POST', `${uploads}?digest=${digest}`, { body: bytes }));
    for (const answer of await Promise.all(sends)) expectCreated(answer, digest);
    expect((await pull(digest)).body.equals(bytes)).toBe(true);
  });
});

describe('sha512', () => {
  it('is announced by digest-algorithm, or only known from the closing digest', async () => {
    const bytes = randomBytes(150_000);
    const digest = digestOf(bytes, 'sha512');
    for (const query of ['?digest-algorithm=sha512', '']) {
      const location = await openUpload(admin, repository, query);
      await patch(location, bytes.subarray(0, 100_000), 0);
      const put = await admin('PUT', `${location}?digest=${digest}`, { body: bytes.subarray(100_000) });
      expectCreated(put, digest);
    }
    expect((await pull(digest)).body.equals(bytes)).toBe(true);
    expect((await pull(digestOf(bytes))).status).toBe(404);
  });

  it('works in one POST, and a session that announced it may close with sha256', async () => {
    const digest = digestOf('one', 'sha512');
    expectCreated(await admin('POST', `${uploads}?digest=${digest}`, { body: 'one' }), digest);
    const location = await openUpload(admin, repository, '?digest-algorithm=sha512');
    expectCreated(await admin('PUT', `${location}?digest=${digestOf('two')}`, { body: 'two' }), digestOf('two'));
  });

  it('is the only other algorithm', async () => {
    const answer = await admin('POST', `${uploads}?digest-algorithm=md5`);
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'DIGEST_INVALID' });
  });
});

describe('limits', () => {
  it('end a blob that is larger than allowed, however it comes', async () => {
    const bytes = randomBytes(3 * megabyte + 1);
    const digest = digestOf(bytes);
    for (const chunked of [false, true]) {
      const whole = await admin('POST', `${uploads}?digest=${digest}`, { body: bytes, chunked });
      expect({ status: whole.status, code: whole.code }).toEqual({ status: 413, code: 'SIZE_INVALID' });
    }
    const location = await openUpload(admin, repository);
    expect((await patch(location, bytes.subarray(0, 2 * megabyte), 0)).status).toBe(202);
    const last = await admin('PUT', `${location}?digest=${digest}`, { body: bytes.subarray(2 * megabyte) });
    expect({ status: last.status, code: last.code }).toEqual({ status: 413, code: 'SIZE_INVALID' });
    expect((await pull(digest)).status).toBe(404);
  });

  it('hold for the open uploads of one identity, and cancelling makes room', async () => {
    const person = await berth.createToken('uploader', { [repository]: ['content/read', 'content/write'] });
    const uploader = berth.as(person);
    const open = await Promise.all(Array.from({ length: 20 }, () => openUpload(uploader, repository)));
    for (const location of open) expect((await uploader('PATCH', location, { body: 'some' })).status).toBe(202);
    const refused = await uploader('POST', uploads);
    expect({ status: refused.status, code: refused.code }).toEqual({ status: 429, code: 'TOOMANYREQUESTS' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await uploader('DELETE', open[0] ?? '')).status).toBe(204);
    expect((await uploader('POST', uploads)).status).toBe(202);
  });
});

describe('a session of somebody else (S5)', () => {
  it('looks to others, and through another repository, like one that is not there', async () => {
    const rights = ['content/read', 'content/write'];
    const grants = { [repository]: rights, 'team/other': rights };
    const alice = berth.as(await berth.createToken('alice', grants));
    const bob = berth.as(await berth.createToken('bobby', grants));
    const location = await openUpload(alice, repository);
    const id = location.split('/').at(-1) ?? '';
    const elsewhere = location.replace(repository, 'team/other');
    const absent = location.replace(id, '0'.repeat(id.length));
    const asks: [string, string, string | undefined][] = [
      ['GET', '', undefined],
      ['HEAD', '', undefined],
      ['PATCH', '', 'mine'],
      ['PUT', `?digest=${digestOf('mine')}`, 'mine'],
      ['DELETE', '', undefined],
    ];
    for (const [method, query, body] of asks) {
      const send = (client: Client, path: string) =>
        client(method, `${path}${query}`, body === undefined ? {} : { body });
      const unknown = await send(bob, absent);
      expect(unknown.status).toBe(404);
      for (const answer of [await send(bob, location), await send(admin, location), await send(alice, elsewhere)]) {
        expect({ status: answer.status, text: answer.text }).toEqual({ status: 404, text: unknown.text });
      }
    }
    expect((await alice('GET', location)).status).toBe(204);
  });
});
