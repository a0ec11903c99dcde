import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { bucketEnds, type Durations, type MetricsReport } from './metrics.ts';

const durationName = 'berth_request_duration_seconds';
const durationHelp = 'Time from the request head to the end of the answer, by operation.';

/** Registers what was counted with the library that writes the page. `shown` holds the report of the moment. */
export function metricsPage(shown: { readonly report: MetricsReport }): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Counter({
    name: 'berth_requests_total',
    help: 'Requests answered, by operation, method and status.',
    labelNames: ['operation', 'method', 'status'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, count } of shown.report.counts.requests.values()) this.inc(labels, count);
    },
  });
  void new DurationHistogram(() => shown.report.counts.durations, registry);
  new Gauge({
    name: 'berth_requests_in_flight',
    help: 'Requests being answered now.',
    registers: [registry],
    collect() {
      this.set(shown.report.inFlight);
    },
  });
  new Counter({
    name: 'berth_throttled_requests_total',
    help: 'Requests refused because a registry or an identity made too many, by category.',
    labelNames: ['category', 'scope'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, count } of shown.report.counts.throttled.values()) this.inc(labels, count);
    },
  });
  new Counter({
    name: 'berth_refusals_dropped_total',
    help: 'Refused requests that were not written down because there were too many.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(shown.report.refusalsDropped);
    },
  });
  new Counter({
    name: 'berth_checked_bytes_total',
    help: 'Stored bytes that were held against their digests.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(shown.report.counts.care.checkedBytes);
    },
  });
  new Counter({
    name: 'berth_damage_found_total',
    help: 'Blobs and manifests that were found damaged or gone.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(shown.report.counts.care.damage);
    },
  });
  return registry;
}

type HistogramValues = Awaited<ReturnType<Histogram<'operation' | 'le'>['get']>>['values'];

/** Durations as a histogram of the library, read from our own counts when it is written out. */
class DurationHistogram extends Histogram<'operation'> {
  readonly #durations: () => ReadonlyMap<string, Durations>;

  constructor(durations: () => ReadonlyMap<string, Durations>, registry: Registry) {
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
    const values = [...this.#durations()].flatMap(([name, one]) => linesOf(name, one));
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
