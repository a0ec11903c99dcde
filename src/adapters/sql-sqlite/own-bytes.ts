/**
 * The input with every byte field in memory of its own. Structured cloning copies the whole buffer under a view, and a
 * small Buffer is a view into a pool of 64 KiB (measured: 15 µs against 8 µs for a body of 1.5 KB). Looks one level deep.
 */
export function withOwnBytes(input: unknown): unknown {
  if (typeof input !== 'object' || input === null) return input;
  let copy: Record<string, unknown> | undefined;
  for (const [key, value] of Object.entries(input)) {
    if (value instanceof Uint8Array && value.byteLength < value.buffer.byteLength) {
      copy ??= { ...input };
      copy[key] = new Uint8Array(value);
    }
  }
  return copy ?? input;
}
