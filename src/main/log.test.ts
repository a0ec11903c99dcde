import { describe, expect, it } from 'vitest';
import type { Exchange } from '../http/index.ts';
import { openLog } from './log.ts';

describe('the access line', () => {
  it('is JSON whatever the client sent', () => {
    const hostile = 'a"b\\c\n\u001b[31m\u2028é';
    const line = lineOf({ path: `/v2/${hostile}`, host: 'a.example:5000', userAgent: hostile, repository: hostile });
    expect(line.endsWith('\n')).toBe(true);
    for (const control of ['\n', '\u001b']) expect(line.slice(0, -1)).not.toContain(control);
    const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
    expect(new Date(String(time)).toISOString()).toBe(time);
    expect(rest).toEqual({
      level: 30,
      requestId: 'id',
      listener: 'plain',
      address: '127.0.0.1',
      host: 'a.example:5000',
      method: 'GET',
      path: `/v2/${hostile}`,
      status: 200,
      ms: 1.23,
      operation: 'v2.manifest.get',
      registry: 'reg',
      actor: 'anonymous',
      repository: hostile,
      reference: 'latest',
      userAgent: hostile,
      msg: 'request',
    });
  });

  it('names errors and broken connections', () => {
    const line = lineOf({ error: 'denied', finished: false });
    expect(JSON.parse(line)).toMatchObject({ error: 'denied', broken: true });
  });

  it('is written when it is wanted, at a level that holds it', () => {
    expect(lineOf({}, { access: false })).toBe('');
    expect(lineOf({}, { level: 'warn' })).toBe('');
  });
});

/** What the log writes for one request. */
function lineOf(
  of: { path?: string; host?: string; userAgent?: string; repository?: string; error?: string; finished?: boolean },
  options: { access?: boolean; level?: string } = {},
): string {
  let written = '';
  const log = openLog({
    level: options.level ?? 'info',
    access: options.access ?? true,
    destination: { write: (text) => void (written += text) },
  });
  const { path = '/v2/', host = 'a', userAgent = 'test', repository = 'r', error = '', finished = true } = of;
  const facts = {
    operation: 'v2.manifest.get',
    actor: 'anonymous',
    registry: 'reg',
    repository,
    reference: 'latest',
    error,
  };
  const exchange = {
    requestId: 'id',
    listener: { name: 'plain' },
    address: '127.0.0.1',
    method: 'GET',
    path,
    host,
    facts,
    response: { statusCode: 200, writableFinished: finished },
    header: () => userAgent,
  };
  log.access(exchange as unknown as Exchange, 1.2345);
  return written;
}
