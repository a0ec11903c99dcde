import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Exchange } from '../http/index.ts';

/** What operators scrape (Prometheus text format). */
export interface Metrics {
  /** Counts a finished request. */
  observe(exchange: Exchange, seconds: number): void;
  /** The page of `/metrics`. */
  page(): Promise<{ contentType: string; text: string }>;
}

interface Bound {
  readonly count: { inc(): void };
  readonly duration: { observe(seconds: number): void };
}

/** Makes the metrics of one process. `inFlight` is asked at scrape time. */
export function metrics(inFlight: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'berth_requests_total',
    help: 'Requests answered, by operation, method and status.',
    labelNames: ['operation', 'method', 'status'] as const,
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'berth_request_duration_seconds',
    help: 'Time from the request head to the end of the answer, by operation.',
    labelNames: ['operation'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 120],
    registers: [registry],
  });
  new Gauge({
    name: 'berth_requests_in_flight',
    help: 'Requests being answered now.',
    registers: [registry],
    collect() {
      this.set(inFlight());
    },
  });
  // Looking labels up costs more than counting, so the handles are kept; operations, methods and statuses are few.
  const bound = new Map<string, Bound>();
  return {
    observe(exchange, seconds) {
      const { operation } = exchange.facts;
      const method = knownMethods.has(exchange.method) ? exchange.method : 'other';
      const status = String(exchange.response.statusCode);
      const key = `${operation} ${method} ${status}`;
      let handles = bound.get(key);
      if (!handles) {
        handles = { count: requests.labels(operation, method, status), duration: duration.labels(operation) };
        bound.set(key, handles);
      }
      handles.count.inc();
      handles.duration.observe(seconds);
    },
    async page() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

const knownMethods = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);
