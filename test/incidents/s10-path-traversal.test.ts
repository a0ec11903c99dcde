// S10, paths. Names and digests became file names unchecked (CVE-2024-3727, kraken CVE-2022-47747, Nexus CVE-2024-4956), and
// back-slashes were separators on Windows (zot). In Berth nothing that a client writes is part of a file name; what is
// answered to odd spellings is in test/e2e/paths.test.ts, the grammars in test/fuzz/reference.test.ts.
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, type Client } from '../e2e/_client.ts';
import { digestOf, imageOf, openUpload, pushBlob, pushImage } from '../e2e/_content.ts';
import { exchangeRaw } from '../e2e/_raw.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { aimedAt, repositoryRoutes } from './_matrix.ts';

const repository = 'lab/app';

let berth: Berth;
let admin: Client;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  await pushImage(admin, repository, 'v1', 'traversal');
  await pushBlob(admin, repository, Buffer.alloc(100_000, 't'));
});
afterAll(() => berth[Symbol.asyncDispose]());

/** Raw bytes of a path that climb, end strings early, or look like a separator to somebody. */
const climbing = [
  '../../../../etc/passwd',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%2e%2e/%2e%2e/x',
  '%2e%2e%2f%2e%2e%2fx',
  '..%5c..%5cwindows',
  '..\\..\\windows',
  '%252e%252e%252f',
  '..;/x',
  '%c0%ae%c0%ae%c0%af',
  '%e0%80%ae%e0%80%af',
  '%f0%80%80%ae',
  '%ed%a0%80',
  '%ff%fe',
  '\u00c0\u00ae\u00c0\u00ae/x',
  '%u002e%u002e',
  '%',
  '%2',
  '%zz',
  'a%00.png',
  '%2fetc%2fpasswd',
  'C:%5cx',
  'CON',
  'nul',
  'a%3a%3a$DATA',
  '%e2%80%a6%e2%88%95',
  '%ef%bc%8f',
  '~root',
  '$HOME',
  '`id`',
  '$(id)',
  '|id',
  '%0d%0aX-Injected:%201',
  '%20',
  '.',
  '-rf',
];

const authorization = () => basic(berth.username, berth.password);

/** One request whose target goes to the server byte for byte; its status. */
async function rawStatus(method: string, target: string, body = ''): Promise<number> {
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${berth.address}`, `Authorization: ${authorization()}`];
  head.push('Connection: close', `Content-Length: ${Buffer.byteLength(body)}`, '', body);
  const answer = await exchangeRaw(berth.address, Buffer.from(head.join('\r\n'), 'latin1'));
  expect(answer.split('\r\n\r\n')[0]?.toLowerCase()).not.toContain('x-injected');
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

/** Every file below the data folder and beside it, with size; what is expected to move is left out. */
async function filesOf(folder: string): Promise<string[]> {
  const found = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (/berth\.db|\.sock$/.test(entry.name)) continue;
    found.push(`${path} ${entry.isFile() ? (await lstat(path)).size : 'folder'}`);
  }
  return found.toSorted();
}

describe.each(climbing)('"%s" (S10)', (text) => {
  it('is no name in any place of any route, and leaves no file anywhere', async () => {
    const around = dirname(berth.data);
    const before = await filesOf(around);
    for (const { method, route } of repositoryRoutes) {
      if (method === 'HEAD') continue;
      const places = ['repository', 'reference', 'digest', 'upload'] as const;
      for (const place of places) {
        const parameter = {
          repository: '{name*}',
          reference: /\{(reference|tag)\}/,
          digest: '{digest}',
          upload: '{id}',
        }[place];
        if (typeof parameter === 'string' ? !route.pattern.includes(parameter) : !parameter.test(route.pattern))
          continue;
        // A tag may be called CON or nul; as a file name it would not matter, because it is none.
        if (place === 'reference' && /^[A-Za-z]+$/.test(text)) continue;
        const { path, body } = aimedAt(route, method, { repository, [place]: text });
        const status = await rawStatus(method, path, String(body ?? ''));
        const isName = place === 'repository' && text === 'nul';
        const allowed = isName ? [200, 201, 202, 400, 404] : [400, 404, 405];
        expect(allowed, `${method} ${path}: ${status}`).toContain(status);
      }
    }
    if (text !== 'nul') expect(await filesOf(around)).toEqual(before);
  });
});

describe('what is on disk (S10)', () => {
  it('is named by Berth alone, whatever names clients take', async () => {
    const names = [
      'con',
      'nul',
      'aux',
      'berth.db',
      'root.key',
      'ca.pem',
      'lock',
      'objects/staged',
      'blobs/objects',
      'a'.repeat(255),
    ];
    for (const name of names) await pushImage(admin, name, 'root.key', name);
    for (const tag of ['CON', 'berth.db', '_', 'a..b', 'lock.pid', 'x'.repeat(128)]) {
      const body = JSON.stringify(imageOf('tagged'));
      const put = await admin('PUT', `/v2/${repository}/manifests/${tag}`, { body });
      expect(put.status, put.text).toBe(201);
    }
    await pushBlob(admin, repository, Buffer.alloc(200_000, 'o'));
    await openUpload(admin, repository);
    const allowed =
      /^(berth\.(db(-wal|-shm)?|json|sock|yaml)|ca\.(pem|json)|root\.key|lock(\.pid|-journal)?|run\.json|blobs)$/;
    for (const name of await readdir(berth.data)) expect(name).toMatch(allowed);
    for (const entry of await readdir(join(berth.data, 'blobs'), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(berth.data.length);
      if (path === '/blobs/.berth-blobs') continue;
      expect(path).toMatch(/^\/blobs\/(objects|staged)(\/[0-9a-f]{2})?(\/[0-9a-f-]{16,80})?$/);
      expect(entry.isSymbolicLink()).toBe(false);
    }
    expect(await readdir(dirname(berth.data))).toEqual(['data']);
  });

  it('is not reached through a location or a source of our own making', async () => {
    const digest = digestOf(Buffer.alloc(100_000, 't'));
    for (const from of ['../lab/app', '/lab/app', 'lab%2fapp%00', 'lab/app/', 'lab//app', 'LAB/app', './lab/app']) {
      const path = `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${encodeURIComponent(decodeURIComponent(from))}`;
      expect((await admin('POST', path)).status, from).toBe(400);
    }
  });
});
