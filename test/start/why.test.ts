import { expect, test } from 'vitest';
import { ask, basic } from './_client.ts';
import { startServer } from './_program.ts';

test('berth why tells rule and cure, also after a restart', async () => {
  await using world = await startServer();
  const headers = { authorization: basic(world.username, 'wrong') };
  const answer = await ask(world.ready.loginServer, '/v2/team/app/tags/list', { headers });
  expect(answer.status).toBe(401);
  const id = String(answer.headers['x-ms-correlation-request-id']);
  expect(answer.body.toString()).toContain(id);

  const why = async (...args: string[]) => world.berth(['why', ...args, '--data', world.data]);
  const told = [
    `request        ${id}`,
    `registry       ${world.ready.registry.name}`,
    'from           127.0.0.1 by listener http',
    `who            admin:${world.ready.registry.name}`,
    'signed in by   basic',
    'did            v2.tags (GET) on team/app',
    'wanted         content/read',
    'answer         401',
    'rule           password-wrong',
    `to allow it    berth credentials --registry ${world.ready.registry.name}`,
  ];
  const first = await why(id);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  for (const line of told) expect(first.stdout.split('\n')).toContain(line);
  expect(JSON.parse((await why(id, '--json')).stdout)).toMatchObject({ id, rule: 'password-wrong' });

  await world.server.stop();
  const again = world.up();
  await again.ready();
  expect((await why(id)).stdout).toBe(first.stdout);
  const last = await why('--last', '5', '--registry', world.ready.registry.name);
  expect(last.stdout).toMatch(new RegExp(`^\\S+  ${id}  401  ${world.ready.registry.name}  password-wrong .*\n$`));
  expect((await why('--last', '--registry', 'nobody')).stdout).toBe('nothing was refused\n');

  expect((await why()).stderr).toBe('berth: give the id of a refused request, or --last\n');
  expect((await why(id, '--last')).stderr).toBe('berth: give the id of a refused request, or --last\n');
  expect((await why('0-0-0-0-0')).stderr).toMatch(/^berth: no refused request "0-0-0-0-0" is remembered/);
  await again.stop();
});
