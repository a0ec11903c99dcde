import { expect, it } from 'vitest';
import type { Exchange } from '../http/index.ts';
import { metrics } from './metrics.ts';

it('counts requests and their durations in the text that is scraped', async () => {
  const measured = metrics({ inFlight: () => 3, refusalsDropped: () => 2 });
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
