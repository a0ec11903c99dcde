/** Where the log of a thread writes: whole lines, gathered, to the thread that has standard error. */
export interface LineSender {
  write(line: string): void;
  /** Sends what was gathered. */
  flush(done?: () => void): void;
}

/** About as much as goes out in one write anyway. */
const maxGathered = 8192;

/**
 * Gathers lines for one message. Threads that wrote to a full pipe themselves would cut each other's lines; with one writer
 * every line stays whole.
 */
export function lineSender(send: (text: string) => void): LineSender {
  let gathered = '';
  const flush = (done?: () => void): void => {
    const text = gathered;
    gathered = '';
    if (text !== '') send(text);
    done?.();
  };
  return {
    write(line) {
      gathered += line;
      if (gathered.length >= maxGathered) flush();
    },
    flush,
  };
}
