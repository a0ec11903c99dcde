// The whole server under random bytes and random requests: never a 500, never a crash, and each connection either answers
// or ends. The parsers one by one are in test/fuzz.
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataRoutes } from '../../src/content/index.ts';
import { basic } from '../e2e/_client.ts';
import { digestOf, type Pushed, pushImage } from '../e2e/_content.ts';
import { rawConnection } from '../e2e/_raw.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { fuzzAsync, hostileText } from '../fuzz/_fuzz.ts';

const repository = 'fuzzed/app';
/** A server that keeps a connection this long open without a byte is let go by the test. */
const patienceMs = 5_000;

let berth: Berth;
let image: Pushed;
let authorization: string;
beforeAll(async () => {
  berth = await startBerth('--limits-slow-client', '1s');
  await pushImage(berth.admin, repository, 'v1', 'fuzz');
  image = await pushImage(berth.admin, 'beside/app', 'v1', 'beside');
  authorization = basic(berth.username, berth.password);
});
afterAll(async () => {
  await berth.stop();
});

/** Sends bytes, ends its own side, and answers everything that came until the server ended the other. */
async function exchange(bytes: Uint8Array): Promise<string> {
  using connection = await rawConnection(berth.address);
  connection.socket.setTimeout(patienceMs, () => connection.socket.destroy());
  const started = performance.now();
  connection.socket.end(bytes);
  const seen = await connection.toEnd();
  expect(performance.now() - started, JSON.stringify(Buffer.from(bytes).toString('latin1'))).toBeLessThan(patienceMs);
  return seen;
}

function expectSane(seen: string, sent: string): void {
  for (const [, status] of seen.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) {
    expect(Number(status), `${sent}\n${seen}`).toBeLessThan(500);
  }
  if (seen !== '') expect(seen, sent).toMatch(/^HTTP\/1\.1 [1-4]\d\d /);
}

const method = fc.constantFrom(
  'GET',
  'HEAD',
  'PUT',
  'POST',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'get',
  'X',
  'CONNECT',
);
const filler = hostileText(
  'v1',
  repository,
  '%2e%2e',
  '%00',
  '%ff',
  digestOf('x'),
  'sha256:',
  '0'.repeat(36),
  'uploads',
);
const target = fc
  .tuple(fc.constantFrom(...dataRoutes.map((route) => route.pattern)), filler, filler, fc.boolean(), filler)
  .map(
    ([pattern, name, other, known, query]) =>
      `${pattern.replace('{name*}', () => (known ? repository : name)).replace(/\{[a-z]+\}/, () => other)}${query === '' ? '' : `?${query}`}`,
  );
const headerName = fc
  .constantFrom('Range', 'Content-Range', 'If-None-Match', 'If-Range', 'Content-Type', 'Accept', 'Expect')
  .chain((name) =>
    fc.constantFrom(name, 'Content-Length', 'Transfer-Encoding', 'Connection', 'Host', 'Authorization', 'Cookie'),
  );
const headerValue = hostileText(
  'bytes=0-1',
  '0-3',
  '"x"',
  'chunked',
  'close',
  'keep-alive',
  '100-continue',
  'Basic ',
  'gzip',
);
const request = fc.record({
  method,
  target,
  headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 4 }),
  signedIn: fc.boolean(),
  body: fc.oneof(fc.constant(''), hostileText('{"a":', '[', 'readEnabled'), fc.string({ unit: 'binary' })),
});

function write({
  method,
  target,
  headers,
  signedIn,
  body,
}: typeof request extends fc.Arbitrary<infer T> ? T : never): string {
  const lines = [`${method} ${target.replaceAll(/[\r\n ]/g, '')} HTTP/1.1`, `Host: ${berth.address}`];
  if (signedIn) lines.push(`Authorization: ${authorization}`);
  for (const [name, value] of headers) lines.push(`${name}: ${value.replaceAll(/[\r\n]/g, '')}`);
  lines.push(`Content-Length: ${Buffer.byteLength(body, 'utf8')}`, 'Connection: close');
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

describe('the listener', () => {
  it(
    'answers random requests for its routes with less than 500, and ends',
    () =>
      fuzzAsync(
        request,
        async (asked) => {
          const text = write(asked);
          expectSane(await exchange(Buffer.from(text, 'utf8')), text);
        },
        400,
      ),
    3_600_000,
  );

  it(
    'answers random bytes with 400 or nothing, and ends',
    () =>
      fuzzAsync(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }),
          hostileText('GET / HTTP/1.1', '\r\n', 'Host: x', '\r\n\r\n', '0\r\n'),
        ),
        async (bytes) => {
          const sent = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
          expectSane(await exchange(sent), Buffer.from(sent).toString('latin1'));
        },
        200,
      ),
    3_600_000,
  );

  it(
    'answers requests that follow one another on a connection in their order, also behind a broken one',
    () =>
      fuzzAsync(
        fc.array(
          fc.oneof(
            fc.constant('good'),
            hostileText('GET', ' ', 'HTTP/1.1', ':').map((text) => text.slice(0, 40)),
          ),
          {
            minLength: 1,
            maxLength: 5,
          },
        ),
        async (parts) => {
          const good = `GET /v2/ HTTP/1.1\r\nHost: ${berth.address}\r\n\r\n`;
          const text = parts.map((part) => (part === 'good' ? good : `${part}\r\n\r\n`)).join('');
          const seen = await exchange(Buffer.from(text));
          expectSane(seen, text);
          const before = parts.findIndex((part) => part !== 'good');
          const wanted = before === -1 ? parts.length : before;
          expect(seen.split('HTTP/1.1 401').length - 1, text).toBeGreaterThanOrEqual(wanted);
        },
        60,
      ),
    3_600_000,
  );
});

describe('the management socket', () => {
  it(
    'answers random messages with a result or a refusal, never with an internal error',
    () =>
      fuzzAsync(
        fc.tuple(
          fc.constantFrom(
            ['POST', '/registries'],
            ['PATCH', '/registries/-'],
            ['POST', '/registries/-/tokens'],
            ['POST', '/registries/-/credentials/password2'],
            ['GET', '/registries?last='],
            ['GET', '/registries/-/tokens?last='],
            ['DELETE', '/registries/-/tokens/'],
            ['GET', '/registries/'],
          ),
          hostileText('name', '-', 'abcde', '%00', '%2f'),
          fc.oneof(
            fc.jsonValue({ maxDepth: 4 }),
            fc.dictionary(
              fc.constantFrom('name', 'actions', 'expiresMs', 'anonymousPull', '__proto__', 'constructor'),
              fc.oneof(fc.jsonValue({ maxDepth: 2 }), hostileText('abcde', 'repositories/a/content/read')),
              { maxKeys: 4 },
            ),
          ),
        ),
        async ([[verb = '', path = ''], tail, body]) => {
          const whole = /[=/]$/.test(path) ? path + encodeURIComponent(tail.toWellFormed()) : path;
          await berth
            .operator(verb, whole, verb === 'GET' || verb === 'DELETE' ? undefined : body)
            .catch((error: Error) => {
              expect(error.message, `${verb} ${whole} ${JSON.stringify(body)}`).not.toMatch(
                /internal|the server answered 5/,
              );
              expect(error.message.length).toBeLessThan(1500);
            });
        },
        200,
      ),
    3_600_000,
  );
});

describe('after all of this', () => {
  it('the server serves what it held, and has logged no error', async () => {
    expect((await berth.admin('GET', '/v2/beside/app/manifests/v1')).body.equals(image.bytes)).toBe(true);
    const log = await berth.stop();
    for (const line of log.trimEnd().split('\n')) {
      const entry = JSON.parse(line) as { level: number };
      expect(entry.level, line).toBeLessThan(50);
    }
  });
});
