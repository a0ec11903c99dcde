import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP relay on loopback in front of a login server, which can break a connection in the middle of an upload. */
export interface CutProxy extends AsyncDisposable {
  /** `127.0.0.1:port`, to be used as the login server. */
  readonly address: string;
  /**
   * Once, when a single connection has sent this many bytes: `cut` drops it, `stall` forwards nothing more on it until
   * the client gives up. Resolves when that has happened; later connections pass untouched.
   */
  disturb(how: 'cut' | 'stall', afterBytes: number): Promise<void>;
  /** Bytes that clients have sent through it since it started. */
  sentBytes(): number;
}

export async function startCutProxy(target: string): Promise<CutProxy> {
  const [host, port] = target.split(':');
  const sockets = new Set<Socket>();
  let total = 0;
  let armed: { how: 'cut' | 'stall'; afterBytes: number; done: () => void } | undefined;

  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    let sent = 0;
    client.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      total += chunk.length;
      if (armed !== undefined && sent > armed.afterBytes) {
        const { how, done } = armed;
        armed = undefined;
        if (how === 'cut') client.destroy();
        else client.pause();
        done();
        return;
      }
      if (!upstream.write(chunk)) client.pause();
    });
    upstream.on('drain', () => client.resume());
    upstream.on('data', (chunk: Buffer) => {
      if (!client.write(chunk)) upstream.pause();
    });
    client.on('drain', () => upstream.resume());
    client.on('end', () => upstream.end());
    upstream.on('end', () => client.end());
    for (const [socket, peer] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      // A reset shows on both sides as an ended connection, which is what this relay is for.
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        peer.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    disturb: (how, afterBytes) =>
      new Promise((done) => {
        armed = { how, afterBytes, done };
      }),
    sentBytes: () => total,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
