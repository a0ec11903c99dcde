/** Work that repeats in the background: one run at a time, errors told, stopped and awaited at the end. */
export interface Background {
  stop(): Promise<void>;
}

/** Runs `work` every `intervalMs` after its last run ended. */
export function repeat(intervalMs: number, work: () => Promise<unknown>, failed: (error: unknown) => void): Background {
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const schedule = (): void => {
    if (stopping) return;
    timer = setTimeout(() => {
      running = run();
    }, intervalMs);
    timer.unref();
  };
  const run = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      failed(error);
    }
    schedule();
  };
  schedule();
  return {
    async stop() {
      stopping = true;
      clearTimeout(timer);
      await running;
    },
  };
}
