import { setTimeout as delay } from 'node:timers/promises';
import { type DestinationStream, pino } from 'pino';
import type { Exchange } from '../http/index.ts';

/** The program's log: JSON lines on standard error. Event names are the first words below. */
export interface Log {
  info(event: LogEvent, fields?: Record<string, unknown>): void;
  warn(event: LogEvent, fields?: Record<string, unknown>): void;
  error(event: LogEvent, error: unknown, fields?: Record<string, unknown>): void;
  /** One line per request. Never the query, never a credential. */
  access(exchange: Exchange, milliseconds: number): void;
  /** Writes out what is buffered, for a moment at most: a reader that is gone, or a full disk, is not waited for. */
  close(): Promise<void>;
  /** Whole lines that another thread has made. */
  lines(text: string): void;
}

/** Every event the log knows. */
export type LogEvent =
  | 'started'
  | 'draining'
  | 'stopped'
  | 'request-failed'
  | 'blob-lost'
  | 'background-failed'
  | 'uploads-expired'
  | 'listener-moved'
  | 'damage-found'
  | 'check-ended'
  | 'backup-ended'
  | 'backup-failed'
  | 'thread-lost';

/** How long a stop waits for the last lines to be written. */
const lastWordsMs = 2_000;

/** Makes the log. Lines are buffered up to a second, because one write per request would cost more than the request. */
export function openLog(options: { level: string; access: boolean; destination?: DestinationStream }): Log {
  const destination = options.destination ?? pino.destination({ dest: 2, sync: false, minLength: 8192 });
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: withoutControls },
    },
    destination,
  );
  const access = options.access && logger.isLevelEnabled('info');
  const isoTime = isoTimes();
  // A log that cannot be written must not take the registry with it.
  if ('on' in destination && typeof destination.on === 'function') destination.on('error', () => undefined);
  const flush = (done: () => void): void => {
    if ('flush' in destination && typeof destination.flush === 'function') destination.flush(done);
    else done();
  };
  const timer = setInterval(() => flush(() => undefined), 1000);
  timer.unref();
  return {
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, error, fields) => logger.error({ ...fields, err: describe(error) }, event),
    access(exchange, milliseconds) {
      if (!access) return;
      destination.write(accessLine(exchange, milliseconds, isoTime(Date.now())));
    },
    lines(text) {
      destination.write(text);
    },
    async close() {
      clearInterval(timer);
      await Promise.race([
        new Promise<void>((resolve) => flush(resolve)),
        delay(lastWordsMs, undefined, { ref: false }),
      ]);
      // The writer tries for ever to write the rest when the process exits, whatever the error.
      if ('flushSync' in destination) destination.flushSync = () => undefined;
    },
  };
}

/**
 * The line of one request, in pino's form. Written out by hand: it is the one line that each request writes, and the
 * general way took a fifth of a small request.
 */
function accessLine(exchange: Exchange, milliseconds: number, time: string): string {
  const { facts, response } = exchange;
  return (
    `{"level":30,"time":"${time}","requestId":"${exchange.requestId}","listener":${quoted(exchange.listener.name)}` +
    `,"address":${quoted(exchange.address)},"host":${quoted(exchange.host)},"method":${quoted(exchange.method)}` +
    `,"path":${quoted(exchange.path.slice(0, 1024))},"status":${response.statusCode}` +
    `,"ms":${Math.round(milliseconds * 100) / 100},"operation":${quoted(facts.operation)}` +
    `,"registry":${quoted(facts.registry)},"actor":${quoted(facts.actor)}` +
    (facts.repository === ''
      ? ''
      : `,"repository":${quoted(facts.repository)},"reference":${quoted(facts.reference.slice(0, 200))}`) +
    (facts.error === '' ? '' : `,"error":${quoted(facts.error)},"rule":${quoted(facts.rule)}`) +
    (response.writableFinished ? '' : ',"broken":true') +
    `,"userAgent":${quoted((exchange.header('user-agent') ?? '').slice(0, 200))},"msg":"request"}\n`
  );
}

/** A string as JSON. Most need no escape, and to see that is cheaper than to look for one. */
function quoted(text: string): string {
  return plainText.test(text) ? `"${text}"` : withoutControls(JSON.stringify(text));
}

const plainText = /^[\w .:/@()+,;=-]*$/;

/** Times as text; many requests fall into one millisecond. */
function isoTimes(): (now: number) => string {
  let last = Number.NaN;
  let text = '';
  return (now) => {
    if (now !== last) {
      last = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}

/** JSON leaves DEL, C1 and line separators as they are; a terminal that shows the log would obey some of them. */
const raw = /[\u007f-\u009f\u2028\u2029]/g;

function withoutControls(line: string): string {
  return line.replace(raw, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** An error with its causes, without properties that may hold anything. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describe(error.cause) }),
  };
}
