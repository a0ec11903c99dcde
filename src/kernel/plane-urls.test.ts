import { expect, it } from 'vitest';
import { planeUrls } from './plane-urls.ts';

it.each([
  ['management.berth.localhost', 'https://login.berth.localhost', 'berth.localhost'],
  ['management.berth.localhost:443', 'https://login.berth.localhost', 'berth.localhost'],
  ['management.berth.localhost:8443', 'https://login.berth.localhost:8443', 'berth.localhost:8443'],
  ['management.berth.localhost:0443', 'https://login.berth.localhost', 'berth.localhost'],
  ['management.berth.localhost:08443', 'https://login.berth.localhost:8443', 'berth.localhost:8443'],
  // Ports that are none, and that no URL can be made of.
  ['management.berth.localhost:99999', 'https://login.berth.localhost', 'berth.localhost'],
  ['management.berth.localhost:0', 'https://login.berth.localhost', 'berth.localhost'],
])('who asks for %s finds the others under the same port', (host, login, suffix) => {
  expect(planeUrls('berth.localhost', host)).toMatchObject({ login, registrySuffix: suffix });
});
