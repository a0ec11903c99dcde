import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A bare TCP connection, for what no HTTP client would send. */
export interface RawConnection extends Disposable {
  readonly socket: Socket;
  write(text: string | Uint8Array): void;
  /** Waits until what came contains `text`; rejects when the connection ends before. */
  until(text: string): Promise<string>;
  /** Waits for the end of the connection and answers everything that came. */
  toEnd(): Promise<string>;
}

export async function rawConnection(address: string): Promise<RawConnection> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect(Number(port), host);
  await once(socket, 'connect');
  let seen = '';
  let ended = false;
  socket.setEncoding('latin1').on('data', (chunk: string) => (seen += chunk));
  // A reset is an end like others; what was said before it counts.
  socket.on('error', () => undefined);
  socket.on('close', () => (ended = true));
  return {
    socket,
    write: (text) => void socket.write(text),
    async until(text) {
      while (!seen.includes(text)) {
        if (ended) throw new Error(`the connection ended after ${JSON.stringify(seen)}`);
        await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      }
      return seen;
    },
    async toEnd() {
      if (!ended) await once(socket, 'close');
      return seen;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Sends text, half-closes nothing, and answers what came until the server ended the connection. */
export async function exchangeRaw(address: string, text: string | Uint8Array): Promise<string> {
  using connection = await rawConnection(address);
  connection.write(text);
  return await connection.toEnd();
}
