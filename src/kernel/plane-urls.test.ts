import { expect, it } from 'vitest';
import { planeUrls } from './plane-urls.ts';

it.each([
  ['management.berth.localhost', 'https://login.berth.localhost', 'berth.localhost'],
  ['management.berth.localhost:443', 'https://login.berth.localhost', 'berth.localhost'],
  ['management.berth.localhost:8443', 'https://login.berth.localhost:8443', 'berth.localhost:8443'],
])('who asks for %s finds the others under the same port', (host, login, suffix) => {
  expect(planeUrls('berth.localhost', host)).toMatchObject({ login, registrySuffix: suffix });
});
