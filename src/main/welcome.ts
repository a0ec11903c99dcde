import type { ReadyInfo } from './app.ts';

/**
 * What a person sees at the first start: everything to paste for a first push. Later starts show no secret. `dataNamed`
 * says that the folder was named on the command line, as later commands must then do too.
 */
export function welcome(ready: ReadyInfo, options: { dataNamed: boolean }): string {
  const data = options.dataNamed ? ` --data ${quoted(ready.dataDir)}` : '';
  const server = ready.loginServer.replace(/^127\.0\.0\.1:/, 'localhost:');
  const proxy =
    ready.endpoints.proxy === undefined
      ? []
      : [`  proxy          ${ready.endpoints.proxy}  (HTTPS_PROXY where nothing resolves that name)`];
  const lines =
    ready.password === undefined
      ? [
          `Berth is running, with the data of ${ready.dataDir}`,
          '',
          `  login server   ${server}`,
          `  registry       ${ready.registry.name}  (${ready.registry.loginServer})`,
          ...proxy,
          '',
          `Show user and secret again:   npx berth credentials${data}`,
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
          `  registry       ${ready.registry.loginServer}  (TLS, for clients that trust it: npx berth trust${data})`,
          ...proxy,
          `  data           ${ready.dataDir}`,
          ...operatorLines(ready, data),
          '',
          `Show user and secret again:   npx berth credentials${data}`,
          `A token for one repository:   npx berth token create --name ci-pull --repository team/app --actions content/read${data}`,
        ];
  return `\n${[...lines, 'Stop:                         Ctrl+C', ''].join('\n')}\n`;
}

/** The first user, for Azure's clients and whatever else asks people to sign in. */
function operatorLines({ operator }: ReadyInfo, data: string): string[] {
  if (operator === undefined) return [];
  const { username, password } = operator;
  return [
    `  az user        ${username}  (npx berth az${data} -- login -u ${username})`,
    `  az password    ${password}  (shown this once; npx berth user set-password ${username}${data})`,
  ];
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
