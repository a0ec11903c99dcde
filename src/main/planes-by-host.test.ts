import { expect, it } from 'vitest';
import type { Exchange } from '../http/index.ts';
import { planeOfHost, planesByHost } from './planes-by-host.ts';

const domain = 'berth.localhost';

it.each([
  ['management.berth.localhost', 'management'],
  ['MANAGEMENT.berth.localhost:8443', 'management'],
  ['login.berth.localhost', 'login'],
  ['graph.berth.localhost', 'graph'],
  ['msgraph.berth.localhost', 'graph'],
  ['management.example', undefined],
  ['one.management.berth.localhost', undefined],
  ['berth.localhost', undefined],
  ['constructor.berth.localhost', undefined],
])('%s is the host of %s', (host, plane) => {
  expect(planeOfHost(host, domain)).toBe(plane);
});

it.each([
  ['https', 'login.berth.localhost', 'login'],
  ['http', 'login.berth.localhost', 'registries'],
  ['https', 'management.berth.localhost', 'registries'],
  ['https', 'first.berth.localhost', 'registries'],
] as const)('over %s, %s is answered by the plane of %s where that is there', (scheme, host, expected) => {
  const asked: string[] = [];
  const told = (name: string) => async () => void asked.push(name);
  const handle = planesByHost({ domain, planes: { login: told('login') }, registries: told('registries') });
  const exchange = { host, listener: { name: 'x', network: 'loopback', scheme } } as unknown as Exchange;
  void handle(exchange);
  void handle(exchange);
  expect(asked).toEqual([expected, expected]);
});
