import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from './_test.ts';

const pieceBytes = 64 << 10;
const bodyBytes = 500 * pieceBytes;

interface Sender {
  readonly socket: Socket;
  /** What has come back so far. */
  readonly answer: () => string;
  /** Settles when the connection is over: with the error that ended it, or undefined after a clean end. */
  readonly over: Promise<NodeJS.ErrnoException | undefined>;
}

/** Sends the head of a request as a client does that does not listen before it has sent everything. */
function startSending(loginServer: string, head: readonly string[]): Sender {
  const [host, port] = loginServer.split(':');
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  let text = '';
  let failure: NodeJS.ErrnoException | undefined;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', (error) => (failure = error));
  socket.on('end', () => socket.end());
  const over = new Promise<NodeJS.ErrnoException | undefined>((resolve) => socket.on('close', () => resolve(failure)));
  socket.write([...head, `Host: ${loginServer}`, '', ''].join('\r\n'));
  return { socket, answer: () => text, over };
}

describe('an upload that is refused while its bytes still come', () => {
  test('the answer arrives, and no reset overtakes it', async ({ world }) => {
    const path = '/v2/refused/app/blobs/uploads/0001';
    const { socket, answer, over } = startSending(world.loginServer, [
      `PATCH ${path} HTTP/1.1`,
      `Content-Length: ${bodyBytes}`,
    ]);
    const piece = Buffer.alloc(pieceBytes);
    socket.write(piece);
    await Promise.race([once(socket, 'data'), over]);
    // Piece by piece: one large write would be gone before a reset can come back.
    for (let sent = pieceBytes; sent < bodyBytes; sent += pieceBytes) {
      await new Promise((resolve) => socket.write(piece, resolve));
    }
    expect(await over).toBeUndefined();
    expect(answer()).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer()).toMatch(/^connection: close\r$/im);
  });

  test('a manifest of unknown length that grows too large hears why', async ({ world }) => {
    const basic = Buffer.from(`${world.username}:${world.password}`).toString('base64');
    const { socket, answer, over } = startSending(world.loginServer, [
      'PUT /v2/refused/app/manifests/v1 HTTP/1.1',
      `Authorization: Basic ${basic}`,
      'Transfer-Encoding: chunked',
    ]);
    const chunk = Buffer.alloc(pieceBytes, ' ');
    for (let sent = 0; sent < bodyBytes; sent += pieceBytes) {
      socket.write(`${chunk.length.toString(16)}\r\n`);
      socket.write(chunk);
      socket.write('\r\n');
    }
    socket.write('0\r\n\r\n');
    expect(await over).toBeUndefined();
    expect(answer()).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('a client that goes on sending for ever is left', async ({ world }) => {
    const { socket, answer, over } = startSending(world.loginServer, [
      'PATCH /v2/refused/app/blobs/uploads/0001 HTTP/1.1',
      'Content-Length: 1000000000000',
    ]);
    const chunk = Buffer.alloc(pieceBytes);
    const send = () => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on('drain', send);
    send();
    await over;
    expect(answer()).toMatch(/^HTTP\/1\.1 401 /);
  });
});
