import * as content from '../content/index.ts';
import { type Background, repeat } from './background.ts';
import { type Backups, backups } from './backup.ts';
import type { Config } from './config-schema.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** What looks after the stored bytes while the server runs. */
export interface Care {
  readonly checks: content.Checks;
  readonly backups: Backups;
  /** Begins to work, until what it answers is stopped. */
  begin(): Background[];
}

export interface CareOptions {
  readonly environment: content.ContentEnvironment;
  readonly config: Config;
  /** The data folder. */
  readonly folder: string;
  readonly version: string;
  /** Of the data folder; names the work of whoever has that, also after a restart. */
  readonly deploymentId: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly inFlight: () => number;
}

/** Damaged things that a log line names the tags of. */
const loggedTags = 20;

/** Makes checks, the scrub and the removal of objects. */
export function care(options: CareOptions): Care {
  const { environment, config, log, metrics } = options;
  const failed = (error: unknown): void => log.error('background-failed', error);
  const ending = new AbortController();

  const checks = content.checks(environment, {
    holder: options.deploymentId,
    bytesPerSecond: config.fsck.rate,
    scrub: { bytesPerSecond: config.scrub.rate, periodMs: config.scrub.period },
    busy: () => options.inFlight() > 0,
    told: {
      damaged(finding, touched) {
        metrics.damaged();
        log.warn('damage-found', {
          kind: finding.kind,
          digest: finding.digest,
          registryId: finding.registryId,
          problem: finding.problem,
          detail: finding.detail,
          repositories: touched.repositories.slice(0, loggedTags),
          tags: touched.tags.slice(0, loggedTags),
        });
      },
      ended: (report) => log.info('check-ended', { ...report }),
      read: (bytes) => metrics.checked(bytes),
    },
  });
  const saved = backups({
    environment,
    folder: options.folder,
    pid: process.pid,
    version: options.version,
    ended: (report) => log.info('backup-ended', { ...report, damaged: undefined }),
    failed: (error) => log.error('backup-failed', error),
  });
  const removal = content.objectRemoval(environment);

  return {
    checks,
    backups: saved,
    begin() {
      let restsUntil = 0;
      const step = async (): Promise<void> => {
        if (performance.now() < restsUntil) return;
        try {
          await checks.step(ending.signal);
        } catch (error) {
          // A store that is away is asked again, and not told of every second.
          restsUntil = performance.now() + 15_000;
          throw error;
        }
      };
      const checking = repeat(1_000, step, failed);
      const removing = repeat(60_000, () => removal.sweep(500), failed);
      const stopChecking = async (): Promise<void> => {
        ending.abort();
        await checking.stop();
      };
      return [{ stop: stopChecking }, { stop: () => saved.stop() }, removing];
    },
  };
}
