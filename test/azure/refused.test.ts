import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test as base, describe, expect, lacksAz } from './_az.ts';
import { pushImage } from './_push.ts';
import { refusedCommands } from './_refused-commands.ts';
import { openSession } from './_session.ts';

/** `run` fills the words in capitals in. */
const test = base.extend('session', { scope: 'file' }, async ({ az, world }, { onCleanup }) => {
  const session = openSession(az);
  onCleanup(() => session[Symbol.asyncDispose]());
  const registry = String(world.tlsServer.split('.')[0]);
  await pushImage(world, 'app', 'v1');
  const id = await session.tsv('acr list --query [0].id');
  const group = id.split('/')[4] ?? '';
  await session.run(`acr create -n premium123 -g ${group} --sku Premium`);
  const folder = join(world.folder, 'refused');
  await mkdir(folder);
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n');
  const [file, template] = [join(folder, 'chart-1.0.0.tgz'), join(folder, 'template.json')];
  await writeFile(file, 'a chart');
  const $schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';
  await writeFile(template, JSON.stringify({ $schema, contentVersion: '1.0.0.0', resources: [] }));
  const values: Readonly<Record<string, string>> = {
    REGISTRY_ID: id,
    REGISTRY: registry,
    PREMIUM: 'premium123',
    SUBSCRIPTION_ID: `/subscriptions/${world.subscriptionId}`,
    SUBSCRIPTION: world.subscriptionId,
    GROUP: group,
    APP: await session.tsv('ad sp create-for-rbac -n refused --query appId --only-show-errors'),
    ME: await session.tsv('ad signed-in-user show --query id'),
    FOLDER: folder,
    FILE: file,
    TEMPLATE: template,
  };
  return {
    run: (line: string) =>
      session.finish(
        '',
        line.split(' ').map((word) => word.replaceAll(/[A-Z_]{2,}/g, (name) => values[name] ?? name)),
      ),
  };
});

const groups = [...new Set(refusedCommands.map(([line]) => line.split(' ').slice(0, 2).join(' ')))];

describe.skipIf(lacksAz())('az', () => {
  test.for(groups)('%s: what this version does not have is refused by name', async (group, { session }) => {
    for (const [line, says] of refusedCommands.filter(([each]) => each.startsWith(`${group} `))) {
      const { code, stdout, stderr } = await session.run(line);
      const told = `${stdout}${stderr}`.replaceAll(/^WARNING.*\n/gm, '');
      expect(code, `az ${line}\n${told}`).not.toBe(0);
      expect(told, `az ${line}`).toContain(/^Microsoft\.\w+ \w+$/.test(says) ? `${says} is not there yet` : says);
      expect(told, `az ${line}`).not.toContain('Traceback');
    }
  });
});
