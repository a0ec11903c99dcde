import type { Server } from 'node:https';
import type { Socket } from 'node:net';

/**
 * Ends connections whose TLS handshake has not come to its end within `withinMs`, however busily they send. Node's own
 * `handshakeTimeout` begins anew with every byte. Stops with the server.
 */
export function endSlowHandshakes(server: Server, withinMs: number): void {
  // A secured socket does not say which one it was made of; both ends of the connection are the same.
  const keyOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
    `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
  const pending = new Map<string, { readonly socket: Socket; readonly since: number }>();

  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    pending.set(key, { socket, since: performance.now() });
    socket.once('close', () => {
      if (pending.get(key)?.socket === socket) pending.delete(key);
    });
  });
  server.on('secureConnection', (socket) => pending.delete(keyOf(socket)));
  const timer = setInterval(
    () => {
      const before = performance.now() - withinMs;
      // In the order of their coming: the first young one ends the look.
      for (const { socket, since } of pending.values()) {
        if (since > before) break;
        socket.destroy();
      }
    },
    Math.max(250, withinMs / 4),
  ).unref();
  server.once('close', () => clearInterval(timer));
}
