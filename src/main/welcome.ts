import type { ReadyInfo } from './app.ts';

/** What a person sees at the first start: everything to paste for a first push. Later starts show no secret. */
export function welcome(ready: ReadyInfo): string {
  const server = ready.loginServer.replace(/^127\.0\.0\.1:/, 'localhost:');
  const lines =
    ready.password === undefined
      ? [
          `Berth is running, with the data of ${ready.dataDir}`,
          '',
          `  login server   ${server}`,
          `  registry       ${ready.registry.name}  (${ready.registry.loginServer})`,
          '',
          'Show user and secret again:   npx berth credentials',
        ]
      : [
          'Welcome to Berth. This is your registry; the secret below was made for it just now.',
          '',
          `  login server   ${server}`,
          `  user           ${ready.username}`,
          `  secret         ${ready.password}`,
          '',
          'Sign in and push a first image:',
          '',
          `  echo '${ready.password}' | docker login ${server} --username ${ready.username} --password-stdin`,
          `  docker tag <image> ${server}/<name>:v1`,
          `  docker push ${server}/<name>:v1`,
          '',
          `  registry       ${ready.registry.loginServer}  (TLS; authority ${ready.caFile})`,
          `  data           ${ready.dataDir}`,
          '',
          'Show user and secret again:   npx berth credentials',
          'A token for one repository:   npx berth token create --name ci-pull --repository team/app --actions content/read',
        ];
  return `\n${[...lines, 'Stop:                         Ctrl+C', ''].join('\n')}\n`;
}
