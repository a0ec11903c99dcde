import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Exchange } from '../http/index.ts';

/** What operators scrape (Prometheus text format). */
export interface Metrics {
  /** Counts a finished request. */
  observe(exchange: Exchange, seconds: number): void;
  /** The page of `/metrics`. */
  page(): Promise<{ contentType: string; text: string }>;
}

const durationName = 'berth_request_duration_seconds';
const durationHelp = 'Time from the request head to the end of the answer, by operation.';
/** Upper ends of the buckets of request durations, in seconds. */
const bucketEnds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 120];

/** Requests of one operation, method and status; those of one operation share their durations. */
interface Counted {
  readonly labels: { readonly operation: string; readonly method: string; readonly status: string };
  count: number;
  readonly durations: Durations;
}

interface Durations {
  /** Requests per bucket, each request in one; the last is for those above all ends. */
  readonly buckets: number[];
  sum: number;
}

/** Makes the metrics of one process. `inFlight` is asked at scrape time. */
export function metrics(inFlight: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Counted in plain numbers, and told to the library when somebody asks: its own way cost more than a look-up of a tag.
  const counted = new Map<string, Counted>();
  const durations = new Map<string, Durations>();
  new Counter({
    name: 'berth_requests_total',
    help: 'Requests answered, by operation, method and status.',
    labelNames: ['operation', 'method', 'status'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, count } of counted.values()) this.inc(labels, count);
    },
  });
  void new DurationHistogram(durations, registry);
  new Gauge({
    name: 'berth_requests_in_flight',
    help: 'Requests being answered now.',
    registers: [registry],
    collect() {
      this.set(inFlight());
    },
  });
  const entry = (key: string, operation: string, method: string, status: number): Counted => {
    let shared = durations.get(operation);
    if (!shared) {
      shared = { buckets: Array.from({ length: bucketEnds.length + 1 }, () => 0), sum: 0 };
      durations.set(operation, shared);
    }
    const made = { labels: { operation, method, status: String(status) }, count: 0, durations: shared };
    counted.set(key, made);
    return made;
  };
  return {
    observe(exchange, seconds) {
      const { operation } = exchange.facts;
      const status = exchange.response.statusCode;
      const method = knownMethods.has(exchange.method) ? exchange.method : 'other';
      const key = `${operation} ${method} ${status}`;
      const one = counted.get(key) ?? entry(key, operation, method, status);
      one.count++;
      one.durations.sum += seconds;
      let bucket = 0;
      while (bucket < bucketEnds.length && seconds > (bucketEnds[bucket] as number)) bucket++;
      one.durations.buckets[bucket] = (one.durations.buckets[bucket] ?? 0) + 1;
    },
    async page() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

type HistogramValues = Awaited<ReturnType<Histogram<'operation' | 'le'>['get']>>['values'];

/** Durations as a histogram of the library, read from our own counts when it is written out. */
class DurationHistogram extends Histogram<'operation'> {
  readonly #durations: ReadonlyMap<string, Durations>;

  constructor(durations: ReadonlyMap<string, Durations>, registry: Registry) {
    super({
      name: durationName,
      help: durationHelp,
      labelNames: ['operation'],
      buckets: [...bucketEnds],
      registers: [registry],
    });
    this.#durations = durations;
  }

  /** What the library asks for when it writes text or JSON. */
  async getForPromString(): Promise<unknown> {
    const values = [...this.#durations].flatMap(([name, one]) => linesOf(name, one));
    return { name: durationName, help: durationHelp, type: 'histogram', aggregator: 'sum', values };
  }
}

/** Buckets count everything below their end, as the format wants it. */
function linesOf(operation: string, { buckets, sum }: Durations): HistogramValues {
  let below = 0;
  const ends = buckets.map((count, index) => {
    below += count;
    return {
      metricName: `${durationName}_bucket`,
      labels: { le: bucketEnds[index] ?? '+Inf', operation },
      value: below,
    };
  });
  return [
    ...ends,
    { metricName: `${durationName}_sum`, labels: { operation }, value: sum },
    { metricName: `${durationName}_count`, labels: { operation }, value: below },
  ];
}

const knownMethods = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);
