import { randomIds, systemClock } from '../kernel/index.ts';
import { type App, startApp } from './app.ts';
import type { LoadedConfig } from './config.ts';
import { openLog } from './log.ts';
import { type NpmWatch, watchNpm } from './npm-watch.ts';
import { welcome } from './welcome.ts';

/**
 * One request to stop may arrive several times: a signal to the process group reaches the server directly and through
 * the launcher. Signals within this time of the first are the same request.
 */
const sameRequestMs = 500;

/** After a second signal nothing is waited for longer than this. */
const impatientMs = 10_000;
/** What still runs this long after the stop (a thread that hangs) is not waited for. */
const leftoversMs = 5_000;

/** Ends the process after a while if it has not ended by itself: the last resort of a stop that hangs. */
function endWithin(ms: number): void {
  setTimeout(() => process.exit(process.exitCode ?? 1), ms).unref();
}

/** Runs the server until it is told to stop. */
export async function up(loaded: LoadedConfig, options: { json: boolean }): Promise<void> {
  const { config } = loaded;
  // Begun before the start, which takes a moment: npm may be gone when it is over.
  const npm = watchNpm();
  try {
    const log = openLog({ level: config.log.level, access: config.log.access });
    const app = await startApp({ loaded, clock: systemClock, ids: randomIds, log });
    const stopped = untilStopped(app, npm);
    // Only now: whoever reads this may ask for a stop at once.
    const named = loaded.values.get('data')?.source === 'flag';
    process.stdout.write(options.json ? `${JSON.stringify(app.ready)}\n` : welcome(app.ready, { dataNamed: named }));
    await stopped;
    endWithin(leftoversMs);
  } catch (error) {
    endWithin(leftoversMs);
    throw error;
  } finally {
    npm.stop();
  }
}

/** Waits for SIGTERM, SIGINT or SIGHUP, or for the end of the program that started us; a second signal ends the grace. */
async function untilStopped(app: App, npm: NpmWatch): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let askedAt: number | undefined;
    const stop = (): void => {
      app.stop().then(resolve, reject);
    };
    const signalled = (): void => {
      askedAt ??= performance.now();
      if (performance.now() - askedAt > sameRequestMs) {
        app.force();
        endWithin(impatientMs);
      }
      stop();
    };
    app.lost.addEventListener('abort', () => {
      process.exitCode = 1;
      stop();
    });
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, signalled);
    // The launcher's channel closes when the launcher dies, however it died.
    if (process.channel) {
      process.channel.unref();
      process.once('disconnect', stop);
      if (!process.connected) stop();
    }
    npm.onGone(stop);
  });
}
