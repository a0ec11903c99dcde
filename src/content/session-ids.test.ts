import { describe, expect, it } from 'vitest';
import { manualClock, parseRepositoryName, randomIds } from '../kernel/index.ts';
import { sessionIds } from './session-ids.ts';

describe('ids of upload sessions', () => {
  const clock = manualClock();
  const key = new Uint8Array(32).fill(1);
  const owner = {
    registry: { id: 7, name: 'reg' },
    repository: parseRepositoryName('team/app'),
    identity: 'token:reg/ci',
  };
  const ids = sessionIds({ key, regionOrdinal: 0x2a, clock, ids: randomIds });

  it('say when and how their session was opened, and in which region', () => {
    const id = ids.make(owner, 'sha512');
    expect(id).toMatch(/^002a[0-9a-f]{77}$/);
    expect(ids.read(owner, id)).toEqual({ algorithm: 'sha512', createdMs: clock.now() });
    expect(ids.read(owner, ids.make(owner, 'sha256'))?.algorithm).toBe('sha256');
  });

  it('are never the same twice', () => {
    expect(new Set(Array.from({ length: 100 }, () => ids.make(owner, 'sha256'))).size).toBe(100);
  });

  it.each<[string, Partial<typeof owner>]>([
    ['another registry', { registry: { id: 8, name: 'reg' } }],
    ['another repository', { repository: parseRepositoryName('team/apps') }],
    ['another identity', { identity: 'token:reg/cd' }],
  ])('are nothing to %s', (_, changed) => {
    expect(ids.read({ ...owner, ...changed }, ids.make(owner, 'sha256'))).toBeUndefined();
  });

  it('are nothing to a deployment with another key', () => {
    const others = sessionIds({ key: new Uint8Array(32).fill(2), regionOrdinal: 0x2a, clock, ids: randomIds });
    expect(others.read(owner, ids.make(owner, 'sha256'))).toBeUndefined();
  });

  it('are nothing once a single digit is another', () => {
    const id = ids.make(owner, 'sha256');
    for (let at = 0; at < id.length; at++) {
      const changed = id.slice(0, at) + (id[at] === '0' ? '1' : '0') + id.slice(at + 1);
      expect(ids.read(owner, changed)).toBeUndefined();
    }
  });

  it.each(['', 'x', '../etc/passwd', '0'.repeat(80), '0'.repeat(81), 'A'.repeat(81), `${'0'.repeat(81)}\n`])(
    'are not %j',
    (id) => {
      expect(ids.read(owner, id)).toBeUndefined();
    },
  );
});
