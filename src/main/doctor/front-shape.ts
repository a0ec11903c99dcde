import {
  type ArrivedRequest,
  plainAnswer,
  plainAnswerHeaders,
  probeHeader,
  probeLabelHeader,
  probeWishHeader,
} from '../probe-watch.ts';
import { type Finding, fail, ok, problemOf, warn } from './finding.ts';
import type { Front } from './front.ts';
import { type FrontAnswer, readAnswer } from './front-client.ts';
import { type FrontDefect, frontCures } from './front-cures.ts';

/** Headers of one request of the probe. */
export function probeHeaders(front: Front, label: string, wish = 'plain'): Record<string, string> {
  return { [probeHeader]: front.secret, [probeLabelHeader]: label, [probeWishHeader]: wish };
}

/** A path and a query with everything in them that proxies like to tidy up. */
const shapePath = '/v2/berth-doctor/a%2Fb+c/blobs/uploads/';
const shapeQuery = 'digest=sha256%3A00&scope=a&scope=b%2Bc&last=';
/** Headers that registry clients send and need to arrive. */
const shapeHeaders: Readonly<Record<string, string>> = {
  authorization: 'Bearer berth-doctor',
  accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
  'content-range': '0-1',
  'if-none-match': '"berth-doctor"',
  range: 'bytes=0-1',
};
const methods = ['HEAD', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** How long a client waits for 100 before it sends the body all the same; curl waits one second. */
const continueWithinMs = 5_000;

/** Sends small requests and compares what arrives, and what comes back, with what was sent. */
export async function checkShape(front: Front): Promise<Finding[]> {
  let answer: FrontAnswer;
  try {
    const headers = { ...shapeHeaders, 'accept-encoding': 'gzip, br', ...probeHeaders(front, 'shape') };
    answer = await front.client.ask('GET', `${shapePath}?${shapeQuery}`, { headers });
  } catch (error) {
    return [fail('proxy: probe', `the probe broke off: ${problemOf(error)}`, frontCures.upstream)];
  }
  const [arrived] = await front.arrived('shape');
  if (!arrived) return [notArrived(answer)];
  return [
    ok('proxy: probe', `arrives at the listener "${arrived.listener}" from ${arrived.address}`),
    ...compareRequest(arrived),
    ...compareAnswer(answer),
    await checkMethods(front),
    await checkContinue(front),
  ];
}

/** The probe was answered by somebody else, or its mark was taken off. */
function notArrived(answer: FrontAnswer): Finding {
  const isBerth = answer.headers['docker-distribution-api-version'] !== undefined;
  return fail(
    'proxy: probe',
    isBerth
      ? 'a Berth answered that does not know the probe: another server stands behind this address, or the proxy removes headers that it does not know'
      : `the probe was answered with ${answer.status} by something in front of Berth`,
    isBerth ? 'name the data folder of the right server with --data; else pass all headers on' : frontCures.path,
  );
}

/** Holds a request that arrived against the one that was sent. */
export function compareRequest(arrived: ArrivedRequest): Finding[] {
  const [path = '', query = ''] = arrived.target.split('?', 2);
  const lost = Object.entries(shapeHeaders).filter(([name, value]) => arrived.headers[name] !== value);
  return [
    verdict('proxy: path', path === shapePath, 'path', `sent ${shapePath}, arrived ${path}`),
    verdict('proxy: query', query === shapeQuery, 'query', `sent ?${shapeQuery}, arrived ?${query}`),
    verdict(
      'proxy: headers of requests',
      lost.length === 0,
      'request-header',
      `removed or changed: ${lost.map(([name]) => name).join(', ')}`,
    ),
    checkOrigin(arrived),
    arrived.httpVersion === '1.1'
      ? ok('proxy: HTTP version', 'HTTP/1.1')
      : warn('proxy: HTTP version', `the proxy speaks HTTP/${arrived.httpVersion}`, frontCures['http-1.0']),
  ];
}

function checkOrigin(arrived: ArrivedRequest): Finding {
  const name = 'proxy: client address';
  const isProxied = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'via', 'forwarded'].some(
    (header) => arrived.headers[header] !== undefined,
  );
  if (arrived.listener !== 'ingress') {
    return isProxied
      ? warn(name, `a proxy sends to the listener "${arrived.listener}"`, frontCures['wrong-listener'])
      : ok(name, `${arrived.address}, without a proxy that tells of itself`);
  }
  return arrived.headers['x-forwarded-for'] === undefined
    ? warn(name, 'the proxy sends no X-Forwarded-For', frontCures['forwarded-for'])
    : ok(name, `${arrived.address}, told by the proxy`);
}

/** Holds an answer that came back against the one that the server gave. */
export function compareAnswer(answer: FrontAnswer): Finding[] {
  const { headers } = answer;
  const encoding = headers['content-encoding'];
  const same = answer.body.toString('utf8') === plainAnswer;
  const lost = Object.entries(plainAnswerHeaders).filter(
    ([name, value]) => name !== 'location' && headers[name] !== value,
  );
  return [
    verdict(
      'proxy: content',
      encoding === undefined && same,
      'compressed',
      encoding === undefined ? 'the bytes of the answer are others' : `the answer came compressed, ${encoding}`,
    ),
    verdict(
      'proxy: headers of answers',
      lost.length === 0,
      encoding !== undefined && lost.every(([name]) => name === 'etag') ? 'compressed' : 'response-header',
      `removed or changed: ${lost.map(([name]) => name).join(', ')}`,
    ),
    checkLocation(headers.location),
  ];
}

/** Berth sends paths; a proxy that makes addresses of them must make right ones, which is more than can be seen here. */
function checkLocation(location: string | undefined): Finding {
  const intact = location === plainAnswerHeaders.location;
  return verdict('proxy: Location', intact, 'location', `sent ${plainAnswerHeaders.location}, came ${location ?? '-'}`);
}

async function checkMethods(front: Front): Promise<Finding> {
  const name = 'proxy: methods';
  for (const method of methods) {
    const label = `method-${method}`;
    try {
      const headers = { ...probeHeaders(front, label), 'content-length': '0' };
      const { status } = await front.client.ask(method, '/v2/berth-doctor/probe/blobs/uploads/1', { headers });
      const [arrived] = await front.arrived(label);
      if (!arrived) return fail(name, `${method} is answered with ${status} before it arrives`, frontCures.method);
      if (arrived.method !== method) return fail(name, `${method} arrives as ${arrived.method}`, frontCures.method);
    } catch (error) {
      return fail(name, `${method} broke off: ${problemOf(error)}`, frontCures.method);
    }
  }
  return ok(name, `${methods.join(', ')} arrive`);
}

async function checkContinue(front: Front): Promise<Finding> {
  const name = 'proxy: Expect';
  const asked = front.client.open('PUT', '/v2/berth-doctor/probe/blobs/uploads/1', {
    ...probeHeaders(front, 'continue'),
    expect: '100-continue',
    'content-length': '4',
  });
  const told = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), continueWithinMs);
    const settle = (value: boolean) => () => {
      clearTimeout(timer);
      resolve(value);
    };
    asked.once('continue', settle(true)).once('response', settle(false)).once('error', settle(false));
  });
  asked.flushHeaders();
  const continued = await told;
  try {
    asked.end('body');
    const { status } = await readAnswer(asked);
    return continued && status === 200
      ? ok(name, '100-continue is answered')
      : warn(name, `100-continue is not answered (status ${status})`, frontCures.expect);
  } catch (error) {
    return warn(name, `a request with 100-continue broke off: ${problemOf(error)}`, frontCures.expect);
  }
}

function verdict(name: string, isRight: boolean, defect: FrontDefect, found: string): Finding {
  return isRight ? ok(name, 'passed on unchanged') : fail(name, found, frontCures[defect]);
}
