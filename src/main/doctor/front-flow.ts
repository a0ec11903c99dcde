import type { ClientRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type ArrivedRequest, floodBytes } from '../probe-watch.ts';
import { type Finding, fail, ok, problemOf, skipped, warn } from './finding.ts';
import type { Front } from './front.ts';
import { readAnswer } from './front-client.ts';
import { frontCures } from './front-cures.ts';
import { probeHeaders } from './front-shape.ts';

export interface FlowOptions {
  readonly bodySizes: readonly number[];
  readonly slowSeconds: number | null;
}

const path = '/v2/berth-doctor/probe/blobs/uploads/1';
const pollMs = 50;
/** How long the first half of a body may take to arrive while the second half waits. */
const arriveWithinMs = 3_000;
const bodyWithinMs = 120_000;
/** Sent before the pause: more than any proxy reads together with the head. */
const firstPart = 256 << 10;
/** What two connections may hold in the system's buffers; more than this is kept by the proxy. */
const inTheNetwork = 48 << 20;
/** The flood has come to rest when nothing was taken for this long. */
const restMs = 600;

/** Sends and takes bodies, and looks how they move: limits, buffers, time-outs. */
export async function checkFlow(front: Front, options: FlowOptions): Promise<Finding[]> {
  const limit = await checkBodyLimit(front, options.bodySizes);
  return [
    limit,
    await checkRequestBuffering(front, 'length'),
    await checkRequestBuffering(front, 'chunked'),
    await checkResponseBuffering(front),
    await checkSilence(front, options.slowSeconds),
  ];
}

async function checkBodyLimit(front: Front, sizes: readonly number[]): Promise<Finding> {
  const name = 'proxy: body size';
  let passed = 0;
  for (const size of sizes) {
    const outcome = await sendBody(front, size);
    if (outcome !== 200) {
      const found = `a body of ${mebibytes(size)} is ${typeof outcome === 'number' ? `refused with ${outcome}` : `cut off: ${outcome}`}; ${passed === 0 ? 'no smaller one was tried' : `${mebibytes(passed)} pass`}`;
      return fail(name, found, frontCures['body-limit']);
    }
    passed = size;
  }
  return ok(name, `bodies of ${mebibytes(passed)} pass; more was not tried`);
}

/** Sends zeros, and answers the status, or why the connection ended before one came. */
async function sendBody(front: Front, size: number): Promise<number | string> {
  const label = `body-${size}`;
  const asked = front.client.open('PATCH', path, { ...probeHeaders(front, label), 'content-length': String(size) });
  // A refusal may come in the midst of the body, and the connection break behind it.
  const answered = readAnswer(asked, bodyWithinMs).then(
    ({ status }) => status,
    (error: unknown) => problemOf(error),
  );
  const over = new AbortController();
  void answered.then(() => over.abort());
  const chunk = Buffer.alloc(256 << 10);
  for (let at = 0; at < size && !over.signal.aborted && !asked.destroyed; at += chunk.length) {
    const part = size - at < chunk.length ? chunk.subarray(0, size - at) : chunk;
    if (!asked.write(part)) await Promise.race([drained(asked), answered]);
  }
  if (!over.signal.aborted && !asked.destroyed) asked.end();
  return answered;
}

async function drained(asked: ClientRequest): Promise<void> {
  await new Promise<void>((resolve) => {
    const settle = () => {
      asked.off('drain', settle).off('close', settle);
      resolve();
    };
    asked.on('drain', settle).on('close', settle);
  });
}

async function checkRequestBuffering(front: Front, form: 'length' | 'chunked'): Promise<Finding> {
  const name = form === 'length' ? 'proxy: uploads pass through' : 'proxy: chunked uploads pass through';
  const label = `buffer-${form}`;
  const body = Buffer.alloc(firstPart);
  const framing: Record<string, string> =
    form === 'length' ? { 'content-length': String(2 * firstPart) } : { 'transfer-encoding': 'chunked' };
  const asked = front.client.open('PATCH', path, { ...probeHeaders(front, label), ...framing });
  const answered = readAnswer(asked).then(
    ({ status }) => status,
    (error: unknown) => problemOf(error),
  );
  asked.write(body);
  const early = await until(front, label, arriveWithinMs, (one) => one.received > 0);
  asked.end(body);
  const status = await answered;
  if (status !== 200) return fail(name, `the upload ended with ${status}`, frontCures['body-limit']);
  if (early) return ok(name, 'bytes arrive while others are still to be sent');
  const defect = form === 'length' ? 'request-buffering' : 'chunked-buffering';
  return warn(name, 'nothing arrives before the last byte is sent', frontCures[defect]);
}

async function checkResponseBuffering(front: Front): Promise<Finding> {
  const name = 'proxy: downloads pass through';
  const asked = front.client.open('GET', path, probeHeaders(front, 'flood', 'flood'));
  let problem: unknown;
  // Nobody reads: only what the network holds may be taken.
  asked.on('response', (response) => response.pause());
  asked.on('error', (error) => (problem ??= error));
  asked.end();
  try {
    if (!(await until(front, 'flood', arriveWithinMs, (one) => one.sent > 0))) {
      return fail(name, `no answer${problem === undefined ? '' : `: ${problemOf(problem)}`}`, frontCures.upstream);
    }
    const taken = await settled(front, 'flood');
    return taken > inTheNetwork
      ? warn(name, `the proxy took ${mebibytes(taken)} that nobody read`, frontCures['response-buffering'])
      : ok(name, `the proxy stops at ${mebibytes(taken)} that nobody reads`);
  } finally {
    asked.destroy();
  }
}

/** Bytes of the flood that were taken when nothing moves any more. */
async function settled(front: Front, label: string): Promise<number> {
  let taken = -1;
  let since = performance.now();
  for (;;) {
    const now = (await front.arrived(label))[0]?.sent ?? 0;
    if (now !== taken) since = performance.now();
    taken = now;
    if (taken >= floodBytes || performance.now() - since > restMs) return taken;
    await delay(pollMs);
  }
}

async function checkSilence(front: Front, seconds: number | null): Promise<Finding> {
  const name = 'proxy: patience';
  if (seconds === null) return skipped(name, 'takes more than a minute; add --slow');
  try {
    const { status } = await front.client.ask('GET', path, {
      headers: probeHeaders(front, 'silence', `silent-${seconds}`),
      timeoutMs: (seconds + 20) * 1000,
    });
    if (status === 200) return ok(name, `waits ${seconds} s for an answer`);
    return fail(name, `answers ${status} for Berth within ${seconds} s`, frontCures['read-timeout']);
  } catch (error) {
    return fail(name, `ends the connection within ${seconds} s: ${problemOf(error)}`, frontCures['read-timeout']);
  }
}

async function until(
  front: Front,
  label: string,
  withinMs: number,
  condition: (arrived: ArrivedRequest) => boolean,
): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (;;) {
    if ((await front.arrived(label)).some(condition)) return true;
    if (performance.now() > end) return false;
    await delay(pollMs);
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round((bytes / (1 << 20)) * 10) / 10} MiB`;
}
