import { parentPort, workerData } from 'node:worker_threads';
import { randomIds, systemClock } from '../kernel/index.ts';
import { joinDatabase } from './database.ts';
import { type Listeners, takeShared } from './listeners.ts';
import { openLog } from './log.ts';
import { unpackConfig } from './packed-config.ts';
import { openPlane } from './plane.ts';
import { type Serving, serveHere } from './serving.ts';
import { lineSender } from './thread-log.ts';
import type { Asked, AskName, Heard, Said, ThreadAsks, ThreadStart } from './thread-messages.ts';
import { keptTurns } from './thread-turns.ts';

/** Entry of a thread that serves clients. It ends when it is told to; anything unforeseen ends it as a crash. */
const start = workerData as ThreadStart;
if (parentPort === null) throw new Error('a serving thread runs in a worker thread only');
const port = parentPort;
const say = (said: Said): void => port.postMessage(said);

const config = unpackConfig(start.config);
const turns = keptTurns({
  take: (ticket, name) => say({ take: ticket, name }),
  give: (ticket) => say({ give: ticket }),
});
const lines = lineSender((text) => say({ lines: text }));
const log = openLog({ level: config.log.level, access: config.log.access, destination: lines });
const database = await joinDatabase(config, start.database, systemClock);
const plane = await openPlane({
  config,
  clock: systemClock,
  ids: randomIds,
  log,
  folder: start.folder,
  database,
  publicPort: start.publicPort,
  incarnation: start.incarnation,
  tenantId: start.tenantId,
  subscriptionId: start.subscriptionId,
  sharedTurns: turns,
});
const patience = new AbortController();
let serving: Serving | undefined;

const answers: { [K in AskName]: (input: ThreadAsks[K]['input']) => Promise<ThreadAsks[K]['answer']> } = {
  async listen({ places, ticketKeys }) {
    let taken: Pick<Listeners, 'serving' | 'proxy'>;
    try {
      taken = await takeShared(places, config, ticketKeys);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === '') throw error;
      return { refused: code };
    }
    serving = await serveHere(plane, taken);
    return { refused: null };
  },
  inFlight: async () => plane.inFlight(),
  metrics: async () => plane.report(),
  inUse: async () => plane.uploads.inUse(),
  async openProbe(probe) {
    plane.probes.admit(probe);
    return null;
  },
  probeReport: async ({ id }) => plane.probes.report(id),
  async closeProbe({ id }) {
    plane.probes.close(id);
    return null;
  },
  refusal: async ({ id }) => (await plane.refusals.find(id)) ?? null,
  latestRefusals: ({ registry, limit }) => plane.refusals.latest(registry, limit),
  async drain() {
    plane.drain();
    return null;
  },
  async end() {
    const problems: unknown[] = [];
    for (const step of [() => serving?.end(patience.signal), () => plane.close(), () => database.close()]) {
      // One step that fails (a full disk) must not keep the others from being done.
      await step()?.catch((error: unknown) => problems.push(error));
    }
    for (const problem of problems) log.error('background-failed', problem);
    await log.close();
    if (problems.length > 0) throw new Error('the end of a serving thread was not clean');
    return null;
  },
  async hurry() {
    patience.abort();
    return null;
  },
};

async function answer<K extends AskName>({ id, ask, input }: Asked<K>): Promise<void> {
  try {
    say({ id, answer: await answers[ask](input) });
  } catch (error) {
    say({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

port.on('message', (heard: Heard) => {
  if ('granted' in heard) turns.granted(heard.granted);
  else void answer(heard);
});
say({ ready: true });
