import { randomBytes } from 'node:crypto';
import { type Finding, fail, ok, problemOf } from './finding.ts';
import type { FrontAnswer, FrontClient } from './front-client.ts';
import { frontCures } from './front-cures.ts';

/** Sends a command to the running server over its management socket. */
export type Operator = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;

const name = 'upload with a token';
const lifetimeMs = 5 * 60_000;

/**
 * Signs in and uploads as a client would, with a token of a few minutes for a repository that nobody has, and gives the
 * upload up: no blob, no repository and no token stay.
 */
export async function checkSession(
  client: FrontClient,
  options: { operator: Operator; domain: string },
): Promise<Finding> {
  const registry = registryOf(client.url.hostname, options.domain);
  const tokens = `/registries/${registry}/tokens`;
  const user = `berth-doctor-${randomBytes(6).toString('hex')}`;
  let made: { username: string; passwords: { value: string }[] };
  try {
    made = (await options.operator('POST', tokens, {
      name: user,
      actions: ['content/read', 'content/write'].map((action) => `repositories/berth-doctor/probe/${action}`),
      expiresMs: Date.now() + lifetimeMs,
    })) as unknown as typeof made;
  } catch (error) {
    return fail(
      name,
      `the server makes no token: ${problemOf(error)}`,
      'look at the name of the registry in the address',
    );
  }
  try {
    const password = made.passwords[0]?.value ?? '';
    return await upload(client, `Basic ${Buffer.from(`${made.username}:${password}`).toString('base64')}`);
  } catch (error) {
    return fail(name, `broke off: ${problemOf(error)}`, frontCures.upstream);
  } finally {
    await options.operator('DELETE', `${tokens}/${user}`);
  }
}

/** `-` is the first registry, which answers under every host that is not below the domain. */
function registryOf(host: string, domain: string): string {
  return host.endsWith(`.${domain}`) ? encodeURIComponent(host.slice(0, -domain.length - 1)) : '-';
}

async function upload(client: FrontClient, basic: string): Promise<Finding> {
  const signedIn = await client.ask('GET', '/v2/', { headers: { authorization: basic } });
  if (signedIn.status !== 200) {
    return fail(name, `signing in is answered with ${signedIn.status}`, cureOf(signedIn.status));
  }
  const scope = encodeURIComponent('repository:berth-doctor/probe:pull,push');
  const asked = `/oauth2/token?service=${encodeURIComponent(client.url.host)}&scope=${scope}&scope=${scope}`;
  const issued = await client.ask('GET', asked, { headers: { authorization: basic } });
  if (issued.status !== 200) return fail(name, `${step(issued)} for a token`, cureOf(issued.status));
  const { access_token: token } = JSON.parse(issued.body.toString('utf8')) as { access_token: string };
  const headers = { authorization: `Bearer ${token}` };

  const begun = await client.ask('POST', '/v2/berth-doctor/probe/blobs/uploads/', { headers, body: '' });
  const location = begun.headers.location;
  if (begun.status !== 202 || location === undefined) {
    return fail(name, `${step(begun)} for a new upload`, cureOf(begun.status));
  }
  const target = new URL(location, client.url);
  if (target.origin !== client.url.origin) {
    return fail(name, `the upload goes on at ${target.origin}, not at ${client.url.origin}`, frontCures.location);
  }
  const session = `${target.pathname}${target.search}`;
  let sent: FrontAnswer;
  let held: FrontAnswer;
  try {
    const body = randomBytes(1 << 20);
    sent = await client.ask('PATCH', session, { headers, body });
    held = await client.ask('GET', session, { headers });
  } finally {
    await client.ask('DELETE', session, { headers });
  }
  if (sent.status !== 202) return fail(name, `${step(sent)} for a chunk`, cureOf(sent.status));
  if (held.status !== 204 || held.headers.range !== '0-1048575') {
    return fail(name, `the upload holds ${held.headers.range ?? 'nothing'}`, frontCures['response-header']);
  }
  const gone = await client.ask('GET', session, { headers });
  return gone.status === 404
    ? ok(name, 'signed in, uploaded 1 MiB and gave it up again')
    : fail(name, `${step(gone)} for an upload that was given up`, cureOf(gone.status));
}

/** What a status says of its cause: each step before has shown that the same request arrives when it is small and plain. */
function cureOf(status: number): string {
  if (status === 401) return frontCures['request-header'];
  if (status === 413) return frontCures['body-limit'];
  if (status === 405 || status === 501) return frontCures.method;
  if (status === 507) return 'the disk of Berth is full; make room';
  if (status >= 502 && status <= 504) return frontCures.upstream;
  return 'look for the request in the log of Berth, operation "v2.…", repository "berth-doctor/probe"';
}

function step(answer: FrontAnswer): string {
  return `the answer is ${answer.status}`;
}
