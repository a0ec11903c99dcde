import { setTimeout as pause } from 'node:timers/promises';
import { deleteBlob, deleteManifest, deleteTag } from './_deletions.ts';
import { lookUp, pullTag, readLists, readPart } from './_pulls.ts';
import { mountBlob, pushManifest, scratchRepository } from './_pushes.ts';
import { blobKey, type Site } from './_site.ts';
import { beginUpload, pushBlob, resumeUpload } from './_uploads.ts';

/** Operations by name, and how often each is chosen. */
const weights = {
  'push manifest': 20,
  'push blob': 8,
  'mount blob': 6,
  'begin upload': 4,
  'resume upload': 6,
  'pull tag': 14,
  'look up': 6,
  'read part': 6,
  'read lists': 4,
  'delete tag': 5,
  'delete manifest': 7,
  'delete blob': 8,
  'scratch repository': 1,
} as const;
type Operation = keyof typeof weights;
const drawn = (Object.keys(weights) as Operation[]).flatMap((name) => Array<Operation>(weights[name]).fill(name));
/** More open sessions than this are not begun. */
const maxSessions = 60;

export interface MixedLoad {
  /** Operations that came to their end, by name. */
  readonly done: ReadonlyMap<string, number>;
  /** What went otherwise than foretold, each with its operation. */
  readonly errors: readonly string[];
  /** Waits until so many operations came to their end, or failed. */
  until(count: number): Promise<void>;
  /** Begins no more operations and waits for those under way. */
  stop(): Promise<void>;
}

/**
 * Runs mixed operations, `workers` at a time, at most `perSecond` of them when given. `mayFail` says whether a failure is
 * expected now (the server was killed); all others are errors.
 */
export function startMixedLoad(
  site: Site,
  options: { workers: number; perSecond?: number; serial: () => number; mayFail: (error: unknown) => boolean },
): MixedLoad {
  const done = new Map<string, number>();
  const errors: string[] = [];
  let stopping = false;
  let ended = 0;
  let awaited: { count: number; resolve: () => void } | undefined;
  let nextAt = performance.now();

  const count = (): void => {
    ended += 1;
    if (awaited && ended >= awaited.count) awaited.resolve();
  };
  const turn = async (): Promise<void> => {
    if (options.perSecond === undefined) return;
    const now = performance.now();
    nextAt = Math.max(nextAt, now) + 1000 / options.perSecond;
    if (nextAt > now) await pause(nextAt - now);
  };
  const worker = async (): Promise<void> => {
    for (;;) {
      await turn();
      if (stopping) return;
      const name = site.random.pick(drawn);
      try {
        const happened = await operate(site, name, options.serial);
        if (happened) {
          done.set(name, (done.get(name) ?? 0) + 1);
          count();
        }
        // Nothing was asked of the server: let others have their turn.
        else await new Promise(setImmediate);
      } catch (error) {
        if (options.mayFail(error)) return;
        errors.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        count();
      }
    }
  };
  const workers = Promise.all(Array.from({ length: options.workers }, worker));
  return {
    done,
    errors,
    until: (wanted) =>
      new Promise<void>((resolve) => {
        awaited = { count: wanted, resolve };
        if (ended >= wanted) resolve();
      }),
    async stop() {
      stopping = true;
      await workers;
    },
  };
}

/** Answers false when there was nothing to do, or another operation stood against it. */
async function operate(site: Site, name: Operation, serial: () => number): Promise<boolean> {
  const { random, repositories, window } = site;
  const repository = random.pick(repositories);
  const number = window.first + random.below(window.count);
  switch (name) {
    case 'push manifest':
      return pushManifest(site, repository, number);
    case 'push blob':
    case 'begin upload': {
      const content = site.stock.content(number);
      using claim = site.model.claim({ together: [blobKey(repository, content.digest)] });
      if (!claim || (name === 'begin upload' && site.sessions.size >= maxSessions)) return false;
      await (name === 'push blob' ? pushBlob : beginUpload)(site, repository, content);
      return true;
    }
    case 'resume upload':
      return resumeOne(site);
    case 'mount blob':
      return mountBlob(site, repository, number);
    case 'pull tag':
      return pullTag(site, repository);
    case 'look up':
      return lookUp(site, repository, number);
    case 'read part':
      return readPart(site, repository, number);
    case 'read lists':
      return readLists(site, repository, number);
    case 'delete tag':
      return deleteTag(site, repository);
    case 'delete manifest':
      return deleteManifest(site, repository, number);
    case 'delete blob':
      return deleteBlob(site, repository, number);
    case 'scratch repository':
      return scratchRepository(site, serial());
    default:
      return name satisfies never;
  }
}

async function resumeOne(site: Site): Promise<boolean> {
  const idle = [...site.sessions.values()].filter((session) => !session.busy);
  if (idle.length === 0) return false;
  const session = site.random.pick(idle);
  using claim = site.model.claim({ together: [blobKey(session.repository, session.content.digest)] });
  if (!claim) return false;
  session.busy = true;
  await resumeUpload(site, session);
  return true;
}
