import { describe, expect, it } from 'vitest';
import type { Exchange } from '../../http/index.ts';
import { type KeptAnswer, keptAnswers } from './kept-answers.ts';

const memoryBytes = 4 << 20;

describe('kept answers', () => {
  it('are found again for the same request in the same generation', () => {
    const { memory, keep } = world();
    keep(exchange());
    expect(memory.find(exchange())?.status).toBe(200);
  });

  it('are gone after a commit', () => {
    const { memory, keep, commit } = world();
    keep(exchange());
    commit();
    expect(memory.find(exchange())).toBeUndefined();
    commit();
    expect(memory.find(exchange())).toBeUndefined();
  });

  it('are not kept when something was committed while they were made', () => {
    const { memory, keep, commit } = world();
    const begun = memory.generation();
    commit();
    keep(exchange(), {}, begun);
    expect(memory.find(exchange())).toBeUndefined();
  });

  it('end with the credential they were given for', () => {
    const { memory, keep, clock } = world();
    keep(exchange(), { expiresAt: 1_000 });
    clock.time = 999;
    expect(memory.find(exchange())).toBeDefined();
    clock.time = 1_000;
    expect(memory.find(exchange())).toBeUndefined();
  });

  it.each<[string, Parameters<typeof exchange>[0]]>([
    ['another credential', { headers: { authorization: 'Bearer b' } }],
    ['no credential', { headers: {} }],
    ['another host', { host: 'b.example' }],
    ['another method', { method: 'HEAD' }],
    ['another path', { target: '/v2/a/manifests/b' }],
    ['another query', { target: '/v2/a/manifests/a?b=c' }],
    ['another listener', { listener: { name: 'other', network: 'loopback', scheme: 'http' } }],
    ['another scheme', { listener: { name: 'plain', network: 'loopback', scheme: 'https' } }],
    ['another network', { listener: { name: 'plain', network: 'public', scheme: 'http' } }],
    ['a condition', { headers: { authorization: 'Bearer a', 'if-none-match': '"x"' } }],
    ['a range', { headers: { authorization: 'Bearer a', range: 'bytes=0-1' } }],
    ['a body', { headers: { authorization: 'Bearer a', 'content-length': '3' } }],
  ])('are not given to a request with %s', (_, changed) => {
    const { memory, keep } = world();
    keep(exchange());
    expect(memory.find(exchange(changed))).toBeUndefined();
  });

  it('are bounded in memory', () => {
    const { memory, keep } = world();
    const body = new Uint8Array(64 * 1024);
    const targets = Array.from({ length: 1_000 }, (_, index) => `/v2/a/manifests/${index}`);
    for (const target of targets) keep(exchange({ target }), { body });
    const found = targets.filter((target) => memory.find(exchange({ target })) !== undefined);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThanOrEqual(memoryBytes / body.length);
  });

  it('are not kept when one alone is more than the memory', () => {
    const { memory, keep } = world(1024);
    keep(exchange());
    expect(memory.find(exchange())).toBeUndefined();
  });

  it('are not kept where the database cannot tell its generation', () => {
    const memory = keptAnswers({ generation: () => undefined }, { now: () => 0 }, 1 << 20);
    memory.keep(exchange(), memory.generation(), answer({}));
    expect(memory.find(exchange())).toBeUndefined();
  });
});

function world(bytes = memoryBytes) {
  const clock = { time: 0, now: () => clock.time };
  let generation = 1;
  const memory = keptAnswers({ generation: () => generation }, clock, bytes);
  return {
    memory,
    clock,
    commit: () => generation++,
    keep: (of: Exchange, more: Partial<KeptAnswer> = {}, begun = memory.generation()) =>
      memory.keep(of, begun, answer(more)),
  };
}

function answer(more: Partial<KeptAnswer>): KeptAnswer {
  const facts = { operation: '', actor: '', registry: '', repository: '', reference: '', error: '', rule: '' };
  const registry = {} as KeptAnswer['registry'];
  return {
    registry,
    route: 'v2.manifest.get',
    facts,
    status: 200,
    lines: [],
    body: undefined,
    pulled: null,
    expiresAt: null,
    ...more,
  };
}

/** As much of an exchange as the memory looks at. */
function exchange(
  changed: {
    method?: string;
    host?: string;
    target?: string;
    listener?: Exchange['listener'];
    headers?: Record<string, string>;
  } = {},
): Exchange {
  const { method = 'GET', headers = { authorization: 'Bearer a' } } = changed;
  return {
    method,
    host: 'a.example',
    target: '/v2/a/manifests/a',
    listener: { name: 'plain', network: 'loopback', scheme: 'http' },
    ...changed,
    request: { method, headers },
  } as unknown as Exchange;
}
