import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { randomIds, systemClock } from '../kernel/index.ts';
import { type App, startApp } from './app.ts';
import type { LoadedConfig } from './config.ts';
import { type Log, openLog } from './log.ts';
import { welcome } from './welcome.ts';

/** Runs the server until it is told to stop. */
export async function up(loaded: LoadedConfig, options: { json: boolean }): Promise<void> {
  const { config } = loaded;
  const log = openLog({ level: config.log.level, access: config.log.access });
  const app = await startApp({ loaded, clock: systemClock, ids: randomIds, log });
  process.stdout.write(options.json ? `${JSON.stringify(app.ready)}\n` : welcome(app.ready));
  await untilStopped(app, log);
}

/** Waits for SIGTERM or SIGINT, or for the end of the program that started us; a second signal ends the grace. */
async function untilStopped(app: App, log: Log): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let asked = false;
    const stop = (): void => {
      if (asked) app.force();
      asked = true;
      app.stop().then(resolve, reject);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('SIGHUP', stop);
    // The launcher's channel closes when the launcher dies, however it died.
    if (process.channel) {
      process.channel.unref();
      process.once('disconnect', stop);
    }
    void watchNpm(stop).catch((error: unknown) => log.error('background-failed', error));
  });
}

/** `npm start` killed outright passes no signal on: when npm or its shell is gone, nobody waits for us. */
async function watchNpm(stop: () => void): Promise<void> {
  if (process.env['npm_lifecycle_event'] === undefined || process.platform !== 'linux') return;
  const parent = process.ppid;
  const grandparent = await parentOf(parent);
  const timer = setInterval(() => {
    if (process.ppid !== parent || parentOfNow(parent) !== grandparent) {
      clearInterval(timer);
      stop();
    }
  }, 500);
  timer.unref();
}

async function parentOf(pid: number): Promise<number> {
  return parentIn(await readFile(`/proc/${pid}/stat`, 'utf8'));
}

function parentOfNow(pid: number): number {
  try {
    return parentIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // The process is gone, and with it its parent as far as we are concerned.
    return -1;
  }
}

/** Field 4 of /proc/<pid>/stat; the name before it may hold anything but ends with the last parenthesis. */
function parentIn(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
