import { build, dockerCommandLines, login, test } from './_docker-test.ts';
import { greeting } from './_image.ts';
import { describe, expect, lacks } from './_test.ts';

const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';

describe.skipIf(lacks('docker', 'busybox'))('docker', () => {
  describe.each(dockerCommandLines())('%s', (cli) => {
    const repository = `docker/${dockerCommandLines().indexOf(cli)}`;

    test('a wrong password is refused, the right one opens the registry', async ({ world, docker }) => {
      const args = ['login', '-u', world.username, '--password-stdin', world.loginServer];
      const wrong = await docker.refused(cli, args, { input: 'not the password' });
      expect(wrong.stderr).toMatch(/unauthorized|401/i);
      const right = await docker.run(cli, args, { input: world.password });
      expect(right.stdout).toContain('Login Succeeded');
    });

    test('an image is built, pushed, removed, pulled and run', async ({ world, docker }) => {
      const image = `${world.loginServer}/${repository}/app:v1`;
      await login(docker, world, world.loginServer, cli);
      await build(docker, image, 1024, cli);
      const pushed = await docker.run(cli, ['push', image]);
      const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed.stdout)?.[1];
      expect(await world.api.manifest(`${repository}/app`, 'v1')).toMatchObject({ digest, mediaType: dockerManifest });

      await docker.run(cli, ['rmi', image]);
      const pulled = await docker.run(cli, ['pull', image]);
      expect(pulled.stdout).toContain(`Digest: ${digest}`);
      const printed = await docker.run(cli, ['run', '--rm', '--network', 'none', image]);
      expect(printed.stdout.trim()).toBe(greeting);
    });

    test('a second tag and a second repository send no layer again', async ({ world, docker }) => {
      const [first, second, mounted] = ['app:v1', 'app:v2', 'copy:v1'].map(
        (name) => `${world.loginServer}/${repository}/twice-${name}`,
      ) as [string, string, string];
      await login(docker, world, world.loginServer, cli);
      await build(docker, first, 1024, cli);
      await docker.run(cli, ['push', first]);

      await docker.run(cli, ['tag', first, second]);
      const again = await docker.run(cli, ['push', second]);
      expect(again.stdout.match(/Layer already exists/g)).toHaveLength(2);
      await docker.run(cli, ['tag', first, mounted]);
      const elsewhere = await docker.run(cli, ['push', mounted]);
      expect(elsewhere.stdout.match(/Mounted from/g)).toHaveLength(2);

      const { digest } = await world.api.manifest(`${repository}/twice-app`, 'v1');
      expect((await world.api.manifest(`${repository}/twice-app`, 'v2')).digest).toBe(digest);
      expect((await world.api.manifest(`${repository}/twice-copy`, 'v1')).digest).toBe(digest);
    });

    test('without a login a push is refused at once, with what to do', async ({ world, docker }) => {
      const image = `${world.loginServer}/${repository}/stranger:v1`;
      await build(docker, image, 1024, cli);
      // Docker tries again for most of a minute when it cannot tell a refusal from a failure.
      const denied = await docker.refused(cli, ['push', image], { timeoutMs: 20_000 });
      expect(denied.stdout).not.toContain('Retrying');
      expect(denied.stderr).toMatch(/unauthorized: authentication required.*docker login/);
      const pull = await docker.refused(cli, ['pull', image]);
      expect(pull.stderr).toMatch(/unauthorized: authentication required.*docker login/);
    });

    test('a missing tag and a missing repository are named', async ({ world, docker }) => {
      await login(docker, world, world.loginServer, cli);
      const tag = await docker.refused(cli, ['pull', `${world.loginServer}/${repository}/app:absent`]);
      expect(tag.stderr).toContain('manifest tagged by "absent" is not found');
      const image = await docker.refused(cli, ['pull', `${world.loginServer}/${repository}/absent:v1`]);
      expect(image.stderr).toMatch(/manifest unknown|name unknown/);
    });

    test('after logout nothing can be pulled', async ({ world, docker }) => {
      const image = `${world.loginServer}/${repository}/private:v1`;
      await login(docker, world, world.loginServer, cli);
      await build(docker, image, 1024, cli);
      await docker.run(cli, ['push', image]);
      await docker.run(cli, ['rmi', image]);
      await docker.run(cli, ['logout', world.loginServer]);

      const denied = await docker.refused(cli, ['pull', image]);
      expect(denied.stderr).toMatch(/unauthorized|denied|authentication required|no basic auth/i);
    });
  });
});
