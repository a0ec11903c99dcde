/** A running Node with `--inspect`, asked for what only it knows. */
export interface Inspector {
  /** Bytes of the JavaScript heap that are in use after a full collection. */
  heapAfterCollection(): Promise<number>;
  close(): void;
}

/** Where a Node that was started with `--inspect` listens, by what it wrote to standard error. */
export function inspectorAddress(stderr: string): string | undefined {
  return /Debugger listening on (ws:\/\/127\.0\.0\.1:[^\s]+)/.exec(stderr)?.[1];
}

export async function openInspector(address: string): Promise<Inspector> {
  const socket = new WebSocket(address);
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;
  const opened = Promise.withResolvers<void>();
  socket.addEventListener('open', () => opened.resolve());
  socket.addEventListener('close', () => {
    const error = new Error('the inspector closed the connection');
    opened.reject(error);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as {
      id?: number;
      result?: unknown;
      error?: { message: string };
    };
    const asked = waiting.get(id ?? 0);
    waiting.delete(id ?? 0);
    if (error) asked?.reject(new Error(error.message));
    else asked?.resolve(result);
  });
  await opened.promise;

  const call = (method: string): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = ++last;
    waiting.set(id, { resolve, reject });
    socket.send(JSON.stringify({ id, method }));
    return promise;
  };
  return {
    async heapAfterCollection() {
      await call('HeapProfiler.collectGarbage');
      const { usedSize } = (await call('Runtime.getHeapUsage')) as { usedSize: number };
      return usedSize;
    },
    close: () => socket.close(),
  };
}
