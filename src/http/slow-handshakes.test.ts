import { EventEmitter } from 'node:events';
import type { Server } from 'node:https';
import { expect, test } from 'vitest';
import { endSlowHandshakes } from './slow-handshakes.ts';

/** As much of a connection as is looked at. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1';
  readonly localAddress = '127.0.0.1';
  readonly remotePort = 40_000;
  readonly localPort: number;
  destroyed = false;

  constructor(localPort: number) {
    super();
    this.localPort = localPort;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

test('one client port may knock at two of our ports, directly and through the proxy: each has its own time', async () => {
  const server = new EventEmitter();
  endSlowHandshakes(server as Server, 300);
  const [direct, proxied, done] = [new FakeSocket(8443), new FakeSocket(5443), new FakeSocket(9443)];
  for (const socket of [direct, proxied, done]) server.emit('connection', socket);
  server.emit('secureConnection', done);
  await expect.poll(() => [direct.destroyed, proxied.destroyed], { timeout: 5_000 }).toEqual([true, true]);
  expect(done.destroyed).toBe(false);
  server.emit('close');
});
