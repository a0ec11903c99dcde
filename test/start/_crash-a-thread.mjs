// Loaded into a server by NODE_OPTIONS: its first serving thread dies of an error that nobody catches, once the file is there.
import { existsSync } from 'node:fs';
import { isMainThread, threadName } from 'node:worker_threads';

if (!isMainThread && threadName === 'serving-1') {
  setInterval(() => {
    if (existsSync(process.env.CRASH_WHEN)) throw new Error('crashed as planned');
  }, 20).unref();
}
