import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Survivor, survivors } from '../../src/adapters/blob-fs/_volatile-disk.ts';
import { randomIds, systemClock } from '../../src/kernel/index.ts';
import { startApp } from '../../src/main/app.ts';
import { loadConfig } from '../../src/main/config.ts';
import type { Log } from '../../src/main/log.ts';
import { askServer } from '../../src/main/management-client.ts';
import { checkClosedFolder } from '../_closed-folder.ts';
import { openScratch } from '../start/_program.ts';
import { type Replay, replayOf } from './_replay.ts';
import { type Call, upTraced, whyNoTrace } from './_trace.ts';
import { type Acknowledged, type Ask, askAs, pushInParts, runWorkload } from './_workload.ts';

const obstacle = whyNoTrace();
const skipped = obstacle === undefined ? '' : ` (skipped: ${obstacle})`;
const full = process.env['BERTH_TEST_FULL'] === '1';
/** Starts of Berth in a run that is not full; they are what takes the time. */
const fewStarts = 14;

/** What a server acknowledged by a place in its trace, and what was open then. */
interface Recording {
  readonly replay: Replay;
  /** Where the trace stands when the first start is over. */
  readonly ready: number;
  promisedAt(at: number): Acknowledged[];
  /** Places just before each answer. */
  readonly answers: readonly number[];
}

/** One life of a server, from its first start to its end, as its system calls tell it. */
async function record(): Promise<Recording> {
  await using scratch = await openScratch();
  const { server, calls } = upTraced(scratch);
  const { loginServer, username = '', password = '', pid } = await server.ready();
  const events: (Acknowledged | { begins: string })[] = [];
  await runWorkload(askAs({ loginServer, username, password }), {
    acknowledged: (what) => events.push(what),
    begins: (begins) => events.push({ begins }),
  });
  process.kill(pid, 'SIGTERM');
  await server.exit;
  const all = await calls();
  const ready = all.find((call) => call.name.startsWith('write') && textOf(call).includes('"ready":true'));
  if (!ready) throw new Error('the trace does not hold the line that says ready');
  const answers = new Map(
    events.flatMap((event) => ('begins' in event ? [] : [[event, answerOf(all, event).begin] as const])),
  );
  return {
    replay: replayOf(all, scratch.data),
    ready: ready.end,
    answers: [...answers.values()],
    promisedAt(at) {
      const promised = new Map<string, Acknowledged>();
      for (const event of events) {
        // A request that undoes something is under way from the answer before it.
        if ('begins' in event) promised.delete(event.begins);
        else if ((answers.get(event) ?? 0) <= at) promised.set(event.name, event);
        else break;
      }
      return [...promised.values()];
    },
  };
}

function textOf(call: Call): string {
  return Buffer.concat(call.args.map((argument) => argument.bytes)).toString('latin1');
}

function answerOf(calls: readonly Call[], { requestId }: Acknowledged): Call {
  const found = calls.find((call) => textOf(call).startsWith('HTTP/1.1 ') && textOf(call).includes(requestId));
  if (!found) throw new Error(`the answer ${requestId} is not in the trace`);
  return found;
}

/** Starts Berth on a folder, in this process, and stops it after `work`. Whatever it logs as an error fails the test. */
async function withBerth(folder: string, work: (some: Ask) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  const nothing = () => undefined;
  const log: Log = {
    info: nothing,
    warn: nothing,
    access: nothing,
    lines: nothing,
    close: async () => undefined,
    error: (event, error) => errors.push(`${event}: ${String(error)}`),
  };
  const flags = { data: folder, httpListen: '127.0.0.1:0', httpsListen: '127.0.0.1:0' };
  const loaded = loadConfig({ flags, env: {}, home: folder, folder, readFile: () => undefined });
  const app = await startApp({ loaded, clock: systemClock, ids: randomIds, log });
  try {
    const shown = await askServer(folder, 'GET', '/registries/-/credentials');
    const [first] = shown['passwords'] as { value: string }[];
    const { loginServer } = app.ready;
    await work(askAs({ loginServer, username: String(shown['username']), password: first?.value ?? '' }));
  } finally {
    await app.stop();
  }
  expect(errors).toEqual([]);
}

/** Cuts the recorded life at a place and expects that the next start has all that was acknowledged, and takes a push. */
async function expectStart(recording: Recording, at: number, survivor: Survivor): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'berth-replay-'));
  const folder = join(parent, 'data');
  try {
    await recording.replay.restore(at, survivor, folder);
    await withBerth(folder, async (some) => {
      for (const { holds } of recording.promisedAt(at)) await holds(some);
      const pushed = await pushInParts(some, Buffer.alloc(70_000, at % 251), 2);
      expect(pushed.status).toBe(201);
    });
    await checkClosedFolder(folder, { bytes: true });
  } finally {
    await rm(parent, { recursive: true });
  }
}

/** The places to cut: all of them, or those around the answers and some of the others, spread evenly. */
function chosenCuts({ replay, ready, answers }: Recording): { at: number; survivor: Survivor }[] {
  const { points } = replay;
  if (full) {
    return points.flatMap(({ at, kind }, index) =>
      (kind === 'sync' ? survivors : [survivors[index % survivors.length] as Survivor]).map((survivor) => ({
        at,
        survivor,
      })),
    );
  }
  // At an answer the disk has what the sync before it made durable, and nothing that is not needed.
  const cuts = answers.map((at): { at: number; survivor: Survivor } => ({ at, survivor: 'synced' }));
  const others = points.filter(({ at, kind }) => kind === 'sync' || at > ready);
  const step = Math.max(1, Math.floor(others.length / (fewStarts - cuts.length)));
  for (let index = 0; index < others.length && cuts.length < fewStarts; index += step) {
    cuts.push({ at: others[index]?.at ?? 0, survivor: survivors[cuts.length % survivors.length] as Survivor });
  }
  // In the order of the trace, so that the disk is played once.
  return cuts.sort((one, other) => one.at - other.at);
}

describe.skipIf(obstacle !== undefined)(`a data folder as a power cut leaves it${skipped}`, () => {
  test(
    'holds everything that was answered, and the next start takes pushes',
    async () => {
      const recording = await record();
      const { points } = recording.replay;
      const cuts = chosenCuts(recording);
      for (const { at, survivor } of cuts) {
        await expectStart(recording, at, survivor).catch((cause: unknown) => {
          const label = points.findLast((point) => point.at <= at)?.label;
          throw new Error(`cut at ${at}, after ${label}; left: ${survivor}: ${(cause as Error).message}`, { cause });
        });
      }
      const places = new Set(cuts.map(({ at }) => at)).size;
      console.log(`${places} of ${points.length} places cut, ${cuts.length} starts on what was left`);
      expect(recording.promisedAt(Number.POSITIVE_INFINITY).length).toBeGreaterThan(5);
    },
    full ? 7_200_000 : 240_000,
  );
});
