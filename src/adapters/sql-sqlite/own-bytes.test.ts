import { expect, test } from 'vitest';
import { withOwnBytes } from './own-bytes.ts';

test('a small view into a large buffer is copied, and the input stays as it was', () => {
  const view = Buffer.alloc(65_536, 7).subarray(10, 20);
  const input = { name: 'a', bytes: view };
  const own = withOwnBytes(input) as { name: string; bytes: Uint8Array };
  expect(own).toEqual({ name: 'a', bytes: new Uint8Array(10).fill(7) });
  expect(own.bytes.buffer.byteLength).toBe(10);
  expect(input.bytes).toBe(view);
});

test.each([{ bytes: new Uint8Array(5) }, { name: 'a' }, null, undefined, 'text', [1, 2]])(
  'what owns its bytes or has none is passed as it is: %j',
  (input) => {
    expect(withOwnBytes(input)).toBe(input);
  },
);
