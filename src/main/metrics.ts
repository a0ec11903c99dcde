import type { Registry } from 'prom-client';
import type { Exchange } from '../http/index.ts';

/** What operators scrape (Prometheus text format). */
export interface Metrics {
  /** Counts a finished request. */
  observe(exchange: Exchange, seconds: number): void;
  /** Counts a request that was refused because there were too many. */
  throttled(category: string, scope: string): void;
  /** Counts bytes that a check or the scrub has read. */
  checked(bytes: number): void;
  /** Counts something that a check or the scrub found damaged or gone. */
  damaged(): void;
  /** What was counted here so far. */
  counts(): Counts;
  /** The page of `/metrics`: what was counted here and elsewhere in this process. */
  page(): Promise<{ contentType: string; text: string }>;
}

/** Upper ends of the buckets of request durations, in seconds. */
export const bucketEnds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 120];

/** Requests of one operation, method and status; those of one operation share their durations. */
export interface Counted {
  readonly labels: { readonly operation: string; readonly method: string; readonly status: string };
  count: number;
  readonly durations: Durations;
}

export interface Durations {
  /** Requests per bucket, each request in one; the last is for those above all ends. */
  readonly buckets: number[];
  sum: number;
}

/** Everything counted since the start. */
export interface Counts {
  readonly requests: ReadonlyMap<string, Counted>;
  /** By operation. */
  readonly durations: ReadonlyMap<string, Durations>;
  /** Refused requests by category and scope. */
  readonly throttled: ReadonlyMap<string, Throttled>;
  /** What checks and the scrub have read, and what they found. */
  readonly care: { readonly checkedBytes: number; readonly damage: number };
}

export interface Throttled {
  readonly labels: { readonly category: string; readonly scope: string };
  count: number;
}

/** What a part of this process has to say when the page is written. */
export interface MetricsReport {
  readonly counts: Counts;
  readonly inFlight: number;
  readonly refusalsDropped: number;
}

/**
 * Makes the metrics of one thread. `reports` are those that the page sums up besides. Requests are counted in plain
 * numbers; the library that writes the page is loaded when somebody asks for it, because its own way of counting cost more
 * than a look-up.
 */
export function metrics(reports: () => Promise<readonly MetricsReport[]>): Metrics {
  const requests = new Map<string, Counted>();
  const durations = new Map<string, Durations>();
  const throttled = new Map<string, Throttled>();
  const care = { checkedBytes: 0, damage: 0 };
  const own: Counts = { requests, durations, throttled, care };
  /** What the page shows. */
  const shown: { report: MetricsReport } = { report: { counts: own, inFlight: 0, refusalsDropped: 0 } };
  let page: Promise<Registry> | undefined;
  const entry = (key: string, operation: string, method: string, status: number): Counted => {
    let shared = durations.get(operation);
    if (!shared) {
      shared = { buckets: Array.from({ length: bucketEnds.length + 1 }, () => 0), sum: 0 };
      durations.set(operation, shared);
    }
    const made = { labels: { operation, method, status: String(status) }, count: 0, durations: shared };
    requests.set(key, made);
    return made;
  };
  return {
    observe(exchange, seconds) {
      const { operation } = exchange.facts;
      const status = exchange.response.statusCode;
      const method = knownMethods.has(exchange.method) ? exchange.method : 'other';
      const key = `${operation} ${method} ${status}`;
      const one = requests.get(key) ?? entry(key, operation, method, status);
      one.count++;
      one.durations.sum += seconds;
      let bucket = 0;
      while (bucket < bucketEnds.length && seconds > (bucketEnds[bucket] as number)) bucket++;
      one.durations.buckets[bucket] = (one.durations.buckets[bucket] ?? 0) + 1;
    },
    throttled(category, scope) {
      const key = `${category} ${scope}`;
      const one = throttled.get(key) ?? { labels: { category, scope }, count: 0 };
      throttled.set(key, one);
      one.count++;
    },
    checked(bytes) {
      care.checkedBytes += bytes;
    },
    damaged() {
      care.damage++;
    },
    counts: () => own,
    async page() {
      page ??= import('./metrics-page.ts').then((module) => module.metricsPage(shown));
      shown.report = sumReports([{ counts: own, inFlight: 0, refusalsDropped: 0 }, ...(await reports())]);
      const registry = await page;
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** Adds reports up; each is left as it is. */
export function sumReports(reports: readonly MetricsReport[]): MetricsReport {
  const requests = new Map<string, Counted>();
  const durations = new Map<string, Durations>();
  const throttled = new Map<string, Throttled>();
  for (const { counts } of reports) {
    for (const [operation, one] of counts.durations) {
      const sum = durations.get(operation) ?? { buckets: one.buckets.map(() => 0), sum: 0 };
      const buckets = sum.buckets.map((count, index) => count + (one.buckets[index] ?? 0));
      durations.set(operation, { buckets, sum: sum.sum + one.sum });
    }
    for (const [key, one] of counts.throttled) {
      throttled.set(key, { labels: one.labels, count: one.count + (throttled.get(key)?.count ?? 0) });
    }
  }
  for (const { counts } of reports) {
    for (const [key, one] of counts.requests) {
      const shared = durations.get(one.labels.operation) as Durations;
      requests.set(key, { labels: one.labels, count: one.count + (requests.get(key)?.count ?? 0), durations: shared });
    }
  }
  return {
    counts: {
      requests,
      durations,
      throttled,
      care: {
        checkedBytes: reports.reduce((sum, { counts }) => sum + counts.care.checkedBytes, 0),
        damage: reports.reduce((sum, { counts }) => sum + counts.care.damage, 0),
      },
    },
    inFlight: reports.reduce((sum, one) => sum + one.inFlight, 0),
    refusalsDropped: reports.reduce((sum, one) => sum + one.refusalsDropped, 0),
  };
}

const knownMethods = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);
