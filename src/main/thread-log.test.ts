import { expect, test, vi } from 'vitest';
import { lineSender } from './thread-log.ts';

test('lines travel whole, together, in order, and at the latest when asked', () => {
  const sent: string[] = [];
  const lines = lineSender((text) => sent.push(text));
  const made = Array.from({ length: 1000 }, (_, index) => `{"line":${index},"text":"${'x'.repeat(index % 90)}"}\n`);
  for (const line of made) lines.write(line);
  expect(sent.length).toBeGreaterThan(1);
  expect(sent.length).toBeLessThan(20);
  lines.flush();
  expect(sent.every((text) => text.endsWith('\n'))).toBe(true);
  expect(sent.join('')).toBe(made.join(''));
  const done = vi.fn();
  lines.flush(done);
  expect([sent.join(''), done.mock.calls.length]).toEqual([made.join(''), 1]);
});
