import { type Directory, type DirectoryTokens, directoryTokens, type SigningKeys } from '../identity/index.ts';
import { isFault, randomIds } from '../kernel/index.ts';
import type { Context, Entry } from './_every-use-case.ts';
import { hour, type TestWorld } from './_world.ts';

const nobody = { kind: 'service-principal', objectId: 'nobody', credentialId: 'none' } as const;

const noApplication = '00000000-0000-4000-8000-000000000000';

/** How the directory is asked. It only reads, so asking for somebody who is not there goes the whole way. */
export const directoryEntries: { readonly [M in keyof Directory]: Entry } = {
  subjectOf: {
    async work(some) {
      await some.directory.subjectOf(nobody).catch((error: unknown) => {
        if (!isFault(error, 'unauthenticated')) throw error;
      });
    },
  },
  bySecret: { work: (some) => some.directory.bySecret(noApplication, 'nothing') },
  application: { work: (some) => some.directory.application(noApplication) },
  judgeSecret: { work: (some) => some.directory.judgeSecret(noApplication, 'nothing') },
  rolesOf: { work: (some, { world }) => some.directory.rolesOf('nobody', world.registry.resourceKey) },
  rolesBelow: { work: (some) => some.directory.rolesBelow('nobody', '/') },
  principalAt: {
    work: (some, { world }) =>
      some.directory.principalAt(
        { ...nobody, name: 'nobody', displayName: 'Nobody', expiresAt: null },
        world.registry.resourceKey,
      ),
  },
};

/** Tokens of the identity provider, signed by the keys of the registries: here nobody mistakes one for the other. */
export function directoryTokensOf(world: Pick<TestWorld, 'clock'>, keys: SigningKeys): DirectoryTokens {
  return directoryTokens({
    keys,
    clock: world.clock,
    ids: randomIds,
    tenantId: '00000000-0000-0000-0000-00000000000a',
    accessLifetimeMs: hour,
  });
}

/** An application that can sign in. */
export async function robotOf({ sound }: Pick<Context, 'sound'>, displayName = 'robot') {
  const { appId, objectId } = await sound.applications.create(displayName);
  const principal = await sound.applications.createPrincipal(appId, true);
  const terms = { displayName: '', startMs: null, endMs: null };
  const { secret, keyId } = await sound.applications.addSecret({ appId, owner: 'application' }, terms);
  return { appId, applicationId: objectId, objectId: principal.objectId, secret, keyId };
}

/** The exchange of an access token, and the token of the registry that comes of it. */
export const fromAccessTokenEntry: Entry = {
  async prepare(context) {
    const { sound, world } = context;
    const robot = await robotOf(context);
    const subject = await sound.directory.bySecret(robot.appId, robot.secret);
    if (!subject) throw new Error('the robot cannot sign in');
    const { keys } = sound;
    const { token } = await directoryTokensOf(world, keys).issueAccess({
      subject,
      clientId: robot.appId,
      resource: 'registry',
      audience: 'https://containerregistry.azure.net',
      issuer: 'https://login.test',
      version: 2,
    });
    context.given = { secret: token };
  },
  async work(some, { access, given }) {
    const principal = await some.authenticator.fromAccessToken(given.secret ?? '', null, access);
    const refresh = await some.tokens.issueRefresh(principal, access);
    const again = await some.authenticator.fromRefreshToken(refresh, access);
    if (again.name !== principal.name) throw new Error('the refresh token is of somebody else');
  },
};
