import { setTimeout as pause } from 'node:timers/promises';
import { isConnectionError, openDoor } from '../load/_door.ts';
import { startMixedLoad } from '../load/_mixed-load.ts';
import { absent } from '../load/_model.ts';
import { random } from '../load/_random.ts';
import { signIn } from '../load/_sign-in.ts';
import { blobKey, openSite, type Site } from '../load/_site.ts';
import { stock } from '../load/_stock.ts';
import { resumeUpload } from '../load/_uploads.ts';
import { verify } from '../load/_verify.ts';
import { isAlive, openScratch, type Ready, type Running, untilGone } from '../start/_program.ts';
import { examineFolder } from './_examine-folder.ts';

export interface CrashOptions {
  readonly kills: number;
  /** What is asked, and when the server is killed, follows from it; the order of the answers is the machine's. */
  readonly seed: number;
  readonly say?: (line: string) => void;
}

/** What a run found. It held when `problems` is empty. */
export interface CrashResult {
  readonly kills: number;
  readonly seed: number;
  readonly seconds: number;
  /** Operations that came to their end. */
  readonly operations: number;
  /** Requests that were under way when the server died, and whose outcome was open. */
  readonly cutOff: number;
  /** Uploads that were open when the server died. */
  readonly sessions: number;
  readonly slowestStartMs: number;
  /** Digests and tags that were read back at the end, all that were ever acknowledged. */
  readonly verified: number;
  readonly problems: readonly string[];
}

/** Each round works on a window of numbers that moves on, so that there is always something pushed for the first time. */
const windowSize = 120;
const windowStep = 40;
/** Keys that no request touched lately and that are read nevertheless after each kill. */
const sampleSize = 60;
const workers = 10;
const repositories = ['load/a', 'load/b', 'load/c'];
/** A kill comes after fewer operations than this, at some moment of the next ones. */
const mostOperations = 160;
const jitterMs = 40;
/** Waits for a start, of half a minute each. */
const mostWaits = 4;
/** A run with so many problems has shown enough. */
const tooMany = 50;
const args = ['--http', '127.0.0.1:0', '--https', 'off', '--log-level', 'warn', '--log-access', 'false'];

/**
 * Puts mixed load on `berth up`, kills the server process itself (SIGKILL) at a random moment, starts it again on the same
 * folder and holds it against what was acknowledged; again and again. At the end everything is read, the sessions are
 * finished, the server is stopped, and the closed folder is examined. Throws only when the run itself cannot go on.
 */
export async function crashRun({ kills, seed, say = () => undefined }: CrashOptions): Promise<CrashResult> {
  const started = performance.now();
  await using scratch = await openScratch();
  const choices = random(seed);
  const goods = stock(seed);
  const problems: string[] = [];
  const sums = { operations: 0, cutOff: 0, sessions: 0, slowestStartMs: 0 };
  let serial = 0;

  const start = async () => {
    const begun = performance.now();
    const server = scratch.up(args);
    const ready = await untilReady(server);
    sums.slowestStartMs = Math.max(sums.slowestStartMs, Math.round(performance.now() - begun));
    return { server, ready };
  };
  let running = await start();
  const { username = '', password = '' } = running.ready;
  const doorOf = ({ loginServer: address }: { loginServer: string }) => openDoor({ address, random: choices });
  const first = openSite({
    repositories,
    random: choices,
    stock: goods,
    door: doorOf(running.ready),
    // Kept over all kills: a token outlives the process that issued it.
    signIn: signIn({ username, password }, { random: choices, lasting: repositories }),
    window: { first: 0, count: windowSize },
  });

  let site: Site = first;
  for (let round = 1; round <= kills && problems.length < tooMany; round++) {
    let killed = false;
    const mayFail = (error: unknown): boolean => killed && isConnectionError(error);
    const load = startMixedLoad(site, { workers, serial: () => ++serial, mayFail });
    // By what was done and not by time alone: a slow machine gets as much done before it dies.
    await load.until(choices.below(mostOperations));
    await pause(choices.below(jitterMs));
    killed = true;
    if (isAlive(running.ready.pid)) process.kill(running.ready.pid, 'SIGKILL');
    else problems.push(`before kill ${round}: the server ended by itself: ${running.server.stderr().slice(-2000)}`);
    await load.stop();
    site.door.close();
    await untilGone(running.ready.pid);
    await running.server.exit;
    problems.push(...load.errors.map((error) => `before kill ${round}: ${error}`));

    running = await start();
    site = { ...site, door: doorOf(running.ready), window: { first: round * windowStep, count: windowSize } };
    const touched = site.model.takeTouched();
    const open = touched.filter((key) => site.model.value(key) === undefined).length;
    const all = site.model.keys();
    const sample = Array.from({ length: Math.min(sampleSize, all.length) }, () => choices.pick(all));
    const wrong = await verify(site, round === kills ? all : [...new Set([...touched, ...sample])]);
    problems.push(...wrong.map((complaint) => `after kill ${round}: ${complaint}`));
    for (const count of load.done.values()) sums.operations += count;
    sums.cutOff += open;
    sums.sessions += site.sessions.size;
    say(`kill ${round}: ${touched.length} facts changed, ${open} cut off, ${site.sessions.size} sessions open`);
  }

  problems.push(...(await finishSessions(site)));
  const kept = site.model.keys().filter((key) => site.model.value(key) !== absent);
  site.door.close();
  const { code } = await running.server.stop();
  if (code !== 0) problems.push(`the last stop ended with ${code}: ${running.server.stderr().slice(-2000)}`);
  problems.push(...(await examineFolder(scratch.data)));
  const seconds = (performance.now() - started) / 1000;
  return { kills, seed, seconds, ...sums, verified: kept.length, problems };
}

/** A machine that is busy with other things may need longer than one wait for a start. */
async function untilReady(server: Running): Promise<Ready> {
  for (let waits = 1; ; waits++) {
    try {
      return await server.ready();
    } catch (error) {
      if (waits === mostWaits || !isAlive(server.pid))
        throw new Error(`no start: ${server.stderr()}`, { cause: error });
    }
  }
}

/** Every session that is still there can be finished or given up. */
async function finishSessions(site: Site): Promise<string[]> {
  const problems: string[] = [];
  const keys: string[] = [];
  for (const session of site.sessions.values()) {
    try {
      keys.push(blobKey(session.repository, session.content.digest));
      await resumeUpload(site, session);
    } catch (error) {
      problems.push(`at the end: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  problems.push(...(await verify(site, keys)).map((complaint) => `at the end: ${complaint}`));
  return problems;
}
