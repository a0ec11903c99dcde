// S12, injection. Harbor's lists took SQL and filters on password fields (CVE-2019-19026, CVE-2024-22261, CVE-2025-30086),
// Quay's and Gitea's patterns took minutes (ReDoS). Berth's statements are constants and its lists have no filters but two;
// patterns are timed in test/fuzz. Here: metacharacters in every text that a client sends, to the database and to the log.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, type Client } from '../e2e/_client.ts';
import { type Pushed, pushImage } from '../e2e/_content.ts';
import { exchangeRaw } from '../e2e/_raw.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { postForm } from '../e2e/_tokens.ts';

const repository = 'team/app';
const tags = ['a_c', 'abc', 'v1', 'v10', 'v1_0', 'v1x0'];

let berth: Berth;
let admin: Client;
let image: Pushed;
beforeAll(async () => {
  berth = await startBerth('--log-level', 'trace');
  admin = berth.admin;
  for (const tag of tags) image = await pushImage(admin, repository, tag, 'injection');
});
afterAll(async () => {
  await berth.stop();
});

const metacharacters = [
  "'",
  "''",
  '"',
  '`',
  '\\',
  "\\'",
  '%',
  '_',
  '%_%',
  '*',
  '?',
  "' OR '1'='1",
  "' OR 1=1 --",
  "x'; DROP TABLE tag; --",
  "') UNION SELECT sealed FROM admin_credential --",
  '1; ATTACH DATABASE "/tmp/x" AS y',
  '/*',
  '--',
  ';',
  '$1',
  ':last',
  '@p',
  '{{7*7}}',
  '${7*7}',
  '=cmd|/C calc',
  'ſelect',
  '\u02bc OR 1=1',
  '(a+)+$',
  '[[:alpha:]]',
];

/** Tables that remember what was refused, and grow a few seconds later by what this test does. */
const memories = ['refusal', 'sign_in'];

/** Every other table with its number of rows. */
function rowCounts(): Record<string, unknown> {
  const database = new DatabaseSync(join(berth.data, 'berth.db'), { readOnly: true });
  try {
    const tables = database.prepare(`select name from sqlite_master where type = 'table' order by name`).all();
    const asked = tables.filter(({ name }) => !memories.includes(String(name)));
    return Object.fromEntries(
      asked.map(({ name }) => [name, database.prepare(`select count(*) as n from "${String(name)}"`).get()?.['n']]),
    );
  } finally {
    database.close();
  }
}

describe.each(metacharacters)('%j (S12)', (text) => {
  it('is text to every list, filter, name and user, and changes no row', async () => {
    const before = rowCounts();
    const q = encodeURIComponent(text);
    const plain: [string, number[]][] = [
      [`/v2/_catalog?last=${q}`, [200]],
      [`/v2/${repository}/tags/list?last=${q}`, [200]],
      [`/v2/${repository}/tags/list?n=${q}`, [400]],
      [`/acr/v1/_catalog?last=${q}&n=2`, [200]],
      [`/acr/v1/_catalog?orderby=${q}`, [200, 400]],
      [`/acr/v1/${repository}/_tags?orderby=${q}`, [400]],
      [`/acr/v1/${repository}/_tags?digest=${q}`, [400]],
      [`/acr/v1/${repository}/_tags?last=${q}`, [200]],
      [`/acr/v1/${repository}/_tags?orderby=timeasc&last=${q}`, [400]],
      [`/acr/v1/${repository}/_manifests?last=${q}`, [200]],
      [`/acr/v1/${repository}/_manifests?orderby=timedesc&last=${q}`, [400]],
      [`/v2/${repository}/referrers/${image.digest}?artifactType=${q}`, [200]],
      [`/v2/${repository}/referrers/${image.digest}?last=${q}`, [200, 400]],
      [`/v2/${q}/tags/list`, [400, 404]],
      [`/v2/${repository}/manifests/${q}`, [400, 404]],
      [`/v2/${repository}/blobs/${q}`, [400, 404]],
      [`/acr/v1/${q}`, [400, 404]],
      [`/oauth2/token?service=${q}&scope=${q}&account=${q}`, [200]],
    ];
    for (const [path, statuses] of plain) {
      const answer = await admin('GET', path);
      expect(statuses, `${path}: ${answer.text}`).toContain(answer.status);
      expect(answer.text, path).not.toMatch(/sqlite|syntax error|no such (?:table|column)/i);
    }
    for (const user of [text, `${berth.username}${text}`, `${text}${berth.username}`]) {
      const headers = { authorization: basic(user, text) };
      expect((await berth.nobody('GET', '/v2/', { headers })).status).toBe(401);
      const form = { grant_type: 'password', username: user, password: text };
      expect((await postForm(berth.nobody, form)).status).toBe(401);
    }
    for (const [method, path, body] of [
      ['GET', `/registries/${q}`, undefined],
      ['GET', `/registries?last=${q}`, undefined],
      ['GET', `/registries/-/tokens?last=${q}`, undefined],
      ['DELETE', `/registries/-/tokens/${q}`, undefined],
      ['POST', '/registries', { name: text }],
      ['POST', '/registries/-/tokens', { name: text, actions: ['repositories/a/content/read'] }],
      ['POST', '/registries/-/tokens', { name: 'goodname', actions: [`repositories/${text}/content/read`] }],
    ] as const) {
      if (text === '*' && path === '/registries/-/tokens') continue;
      await berth.operator(method, path, body).catch((error: Error) => {
        expect(error.message).not.toMatch(/sqlite|syntax error|internal/i);
      });
    }
    expect(rowCounts()).toEqual(before);
  });
});

describe('a wildcard (S12)', () => {
  it('matches itself only: as a place in a list, in a scope and in a scope map', async () => {
    const after = async (last: string) =>
      (await admin('GET', `/v2/${repository}/tags/list?last=${last}`)).json()['tags'];
    expect(await after('v1_0')).toEqual(['v1x0']);
    expect(await after('v1%25')).toEqual(['v10', 'v1_0', 'v1x0']);
    expect(await after('a_')).toEqual(tags);
    const person = await berth.createToken('wildcard', { 'te_m/app': ['content/read'] });
    expect((await berth.as(person)('GET', `/v2/${repository}/tags/list`)).status).toBe(401);
    for (const pattern of ['%', 'team/%', 'te?m/app', 'te*', '*/app', 'team*', '**', 'team/**', 'team/*/x', '.*']) {
      await expect(berth.createToken('refused', { [pattern]: ['content/read'] }), pattern).rejects.toThrow(
        'not an action',
      );
    }
  });
});

describe('the log (S12)', () => {
  it('is one JSON object a line, whatever a request holds, and has nothing that steers a terminal', async () => {
    const marks = ['\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', '\u007f', '\u0085', '"}\\n{"level":60,"x":"'];
    for (const mark of marks) {
      const encoded = encodeURIComponent(mark);
      await admin('GET', `/v2/${encoded}/tags/list`);
      await admin('GET', `/v2/${repository}/manifests/${encoded}`);
      await admin('GET', `/v2/${repository}/blobs/${encoded}%0d%0a%7b%22level%22%3a60%7d`);
      const latin = Buffer.from(
        `GET /v2/${mark.includes('"') ? '' : mark} HTTP/1.1\r\nHost: x\r\nUser-Agent: ${mark}\r\nConnection: close\r\n\r\n`,
        'latin1',
      );
      await exchangeRaw(berth.address, latin);
      await exchangeRaw(berth.address, `GET /v2/ HTTP/1.1\r\nHost: ${mark}\r\nConnection: close\r\n\r\n`);
      await postForm(berth.nobody, { grant_type: mark, username: mark, password: mark });
      await berth.nobody('GET', '/v2/', { headers: { authorization: basic(`a${mark}`, 'b') } });
    }
    const log = await berth.stop();
    const lines = log.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(marks.length * 5);
    for (const line of lines) {
      const entry = JSON.parse(line) as { level: number; msg: string };
      expect(entry.level).toBeLessThan(60);
      expect(entry.msg).toBeDefined();
      expect(line, JSON.stringify(line)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    }
  });
});

describe('the command line (S12)', () => {
  it('prints no escapes that came with an argument or a name', async () => {
    const mark = '\u001b]0;owned\u0007\u001b[31m\u202e';
    const program = join(import.meta.dirname, '..', '..', 'bin', 'berth');
    for (const args of [
      ['status', '--data', `/nonexistent/${mark}`],
      ['registry', 'show', mark, '--data', '/nonexistent'],
      ['token', 'create', '--name', mark, '--repository', mark, '--actions', mark, '--data', '/nonexistent'],
      ['up', '--http', mark],
      ['up', `--${mark}`],
      [mark],
    ]) {
      const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      const said: Buffer[] = [];
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
      const [code] = (await once(child, 'close')) as [number];
      expect(code).toBe(1);
      const text = Buffer.concat(said).toString('utf8');
      expect(text).toContain('berth: ');
      expect(text.replaceAll('\n', ''), args.join(' ')).not.toMatch(/[\p{Cc}\u202e]/u);
    }
  });
});
