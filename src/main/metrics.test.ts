import { expect, it } from 'vitest';
import type { Exchange } from '../http/index.ts';
import { type MetricsReport, metrics } from './metrics.ts';

const nothing = {
  requests: new Map(),
  durations: new Map(),
  throttled: new Map(),
  care: { checkedBytes: 0, damage: 0 },
};

it('counts requests and their durations in the text that is scraped', async () => {
  const measured = metrics(async () => [{ counts: nothing, inFlight: 3, refusalsDropped: 2 }]);
  const request = (method: string, statusCode: number, seconds: number): void =>
    measured.observe({ method, facts: { operation: 'a.b' }, response: { statusCode } } as unknown as Exchange, seconds);
  measured.throttled('read', 'registry');
  request('GET', 200, 0.0005);
  request('GET', 200, 0.001);
  request('GET', 404, 0.2);
  request('BREW', 200, 500);
  const lines = async (): Promise<string[]> => (await measured.page()).text.split('\n');
  await measured.page();
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'berth_requests_total{operation="a.b",method="GET",status="200"} 2',
      'berth_requests_total{operation="a.b",method="GET",status="404"} 1',
      'berth_requests_total{operation="a.b",method="other",status="200"} 1',
      '# TYPE berth_request_duration_seconds histogram',
      'berth_request_duration_seconds_bucket{le="0.001",operation="a.b"} 2',
      'berth_request_duration_seconds_bucket{le="0.1",operation="a.b"} 2',
      'berth_request_duration_seconds_bucket{le="0.25",operation="a.b"} 3',
      'berth_request_duration_seconds_bucket{le="120",operation="a.b"} 3',
      'berth_request_duration_seconds_bucket{le="+Inf",operation="a.b"} 4',
      'berth_request_duration_seconds_sum{operation="a.b"} 500.2015',
      'berth_request_duration_seconds_count{operation="a.b"} 4',
      'berth_requests_in_flight 3',
      'berth_throttled_requests_total{category="read",scope="registry"} 1',
      'berth_refusals_dropped_total 2',
    ]),
  );
});

it('sums up what other threads have counted, each time anew', async () => {
  const thread = (): ReturnType<typeof metrics> => metrics(async () => []);
  const threads = [thread(), thread()];
  const reports = async (): Promise<MetricsReport[]> =>
    // As it arrives: a copy.
    structuredClone(threads.map((one) => ({ counts: one.counts(), inFlight: 2, refusalsDropped: 1 })));
  const measured = metrics(reports);
  const request = (counting: ReturnType<typeof metrics>, operation: string, seconds: number): void =>
    counting.observe(
      { method: 'GET', facts: { operation }, response: { statusCode: 200 } } as unknown as Exchange,
      seconds,
    );
  for (const one of threads) request(one, 'a.b', 0.2);
  request(threads[1] as (typeof threads)[0], 'c.d', 0.2);
  request(measured, 'management.metrics', 0.2);
  for (const one of threads) one.throttled('read', 'registry');
  const lines = async (): Promise<string[]> => (await measured.page()).text.split('\n');
  const expected = [
    'berth_requests_total{operation="a.b",method="GET",status="200"} 2',
    'berth_requests_total{operation="c.d",method="GET",status="200"} 1',
    'berth_requests_total{operation="management.metrics",method="GET",status="200"} 1',
    'berth_request_duration_seconds_bucket{le="0.25",operation="a.b"} 2',
    'berth_request_duration_seconds_sum{operation="a.b"} 0.4',
    'berth_requests_in_flight 4',
    'berth_throttled_requests_total{category="read",scope="registry"} 2',
    'berth_refusals_dropped_total 2',
  ];
  expect(await lines()).toEqual(expect.arrayContaining(expected));
  expect(await lines()).toEqual(expect.arrayContaining(expected));
});
