import { join } from 'node:path';
import { locatePython } from '../../tools/clients/locate.ts';
import { startDockerEngine } from '../clients/_docker-engine.ts';
import { writeBuildContext } from '../clients/_image.ts';
import { run } from '../clients/_process.ts';
import { openShell } from '../clients/_shell.ts';
import { describe, expect, freshAz, lacksAz, test } from './_az.ts';

/** What a new user types, one line after the other, in a shell that ends at the first line that fails. */
const script = (domain: string): string => String.raw`
say() { printf '%s=%s\n' "$1" "$2"; }
az cloud register -n Berth --endpoint-resource-manager https://management.${domain}
az cloud set -n Berth
az config set core.instance_discovery=false
az login -u "$OPERATOR" -p "$PASSWORD" -o none
say account "$(az account list --query '[0].user.name' -o tsv)"
GROUP=$(az group list --query '[0].name' -o tsv)
az group list -o table
az acr create -n walk123 -g "$GROUP" --sku Premium --admin-enabled true -o none
az acr list -o table
SCOPE=$(az acr show -n walk123 --query id -o tsv)
read -r APP SECRET < <(az ad sp create-for-rbac -n walker --role acrpush --scopes "$SCOPE" --query '{a:appId,p:password}' -o tsv --only-show-errors)
printf %s "$SECRET" | docker login walk123.${domain} -u "$APP" --password-stdin
docker build -q -t walk123.${domain}/team/app:v1 context
docker push -q walk123.${domain}/team/app:v1
say repositories "$(az acr repository list -n walk123 -o tsv)"
say tags "$(az acr repository show-tags -n walk123 --repository team/app -o tsv)"
az acr repository delete -n walk123 --image team/app:v1 -y
say left "$(az acr repository show-tags -n walk123 --repository team/app -o tsv)"
say role "$(az role assignment list --assignee "$APP" --all --query '[].roleDefinitionName' -o tsv)"
az acr login -n walk123
docker push -q walk123.${domain}/team/app:v1
TOKEN=$(az acr login -n walk123 --expose-token --query accessToken -o tsv --only-show-errors)
printf %s "$TOKEN" | docker login walk123.${domain} -u 00000000-0000-0000-0000-000000000000 --password-stdin
docker pull -q walk123.${domain}/team/app:v1
az acr update -n walk123 --admin-enabled true -o none
ADMIN=$(az acr credential show -n walk123 --query 'passwords[0].value' -o tsv)
printf %s "$ADMIN" | docker login walk123.${domain} -u walk123 --password-stdin
docker pull -q walk123.${domain}/team/app:v1
printf %s "$SECRET" | docker login walk123.${domain} -u "$APP" --password-stdin
docker push -q walk123.${domain}/team/app:v1
az ad sp delete --id "$APP"
say after-delete "$(docker push -q walk123.${domain}/team/app:v1 2>&1 | tr '\n' ' ' || true)"
az acr delete -n walk123 -y
say registries "$(az acr list --query "[?name=='walk123'].name" -o tsv)"
`;

describe.skipIf(lacksAz('docker', 'busybox'))('a new user', () => {
  test('types the whole walk-through', async ({ world }) => {
    const az = await freshAz(world);
    const { HTTPS_PROXY, SSL_CERT_FILE } = az.env;
    await using engine = await startDockerEngine(world.folder, { HTTPS_PROXY, SSL_CERT_FILE });
    const shell = engine.shell((await openShell(world.folder)).with(az.env));
    await writeBuildContext(shell, 'context', 1024);
    const { stdout } = await run(
      'bash',
      ['--norc', '-euo', 'pipefail', '-c', script(world.domain)],
      {
        ...shell.env,
        HOME: shell.home,
        DOCKER_CONFIG: join(shell.home, '.docker'),
        PATH: `${join(locatePython('az') ?? '', '..')}:${shell.env['PATH']}`,
        OPERATOR: world.operator.username,
        PASSWORD: world.operator.password,
      },
      { cwd: shell.home, timeoutMs: 230_000 },
    );
    const said = Object.fromEntries([...stdout.matchAll(/^([a-z-]+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
    expect(said).toEqual({
      account: world.operator.username,
      repositories: 'team/app',
      tags: 'v1',
      left: '',
      role: 'AcrPush',
      'after-delete': expect.stringMatching(/unauthorized|authentication required|denied/),
      registries: '',
    });
    expect(stdout).toMatch(/walk123 .*Premium/);
  });
});
