import type { Applications, People, RoleAssignments } from '../identity/index.ts';
import { isFault, randomIds } from '../kernel/index.ts';
import { robotOf } from './_directory-entries.ts';
import type { Context, Entry } from './_every-use-case.ts';

const everything = { filter: { kind: 'all' }, last: null, limit: 5 } as const;
const noTerms = { displayName: '', startMs: null, endMs: null } as const;
const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';

type Robot = Awaited<ReturnType<typeof robotOf>>;
const robots = new WeakMap<Context, Robot>();

const withRobot = async (context: Context): Promise<void> => void robots.set(context, await robotOf(context));

function robotIn(context: Context): Robot {
  const robot = robots.get(context);
  if (!robot) throw new Error('no robot was prepared');
  return robot;
}

/** Lets pass what says that it had been done already. */
async function unlessDone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isFault(error, 'not-found', 'conflict')) throw error;
  });
}

async function opens({ sound }: Context, robot: Robot): Promise<boolean> {
  return (await sound.directory.bySecret(robot.appId, robot.secret)) !== undefined;
}

export const applicationEntries: { readonly [M in keyof Applications]: Entry } = {
  create: { work: (some) => some.applications.create('made') },
  rename: {
    prepare: withRobot,
    async work(some, context) {
      const { applicationId, objectId } = robotIn(context);
      await some.applications.rename(applicationId, 'Renamed');
      const names = [
        (await context.sound.applications.byId(applicationId))?.displayName,
        (await context.sound.applications.principalById(objectId))?.displayName,
      ];
      if (names.some((name) => name !== 'Renamed')) throw new Error(`the names are ${names.join()}`);
    },
  },
  remove: {
    prepare: withRobot,
    async work(some, context) {
      const robot = robotIn(context);
      await unlessDone(some.applications.remove(robot.applicationId));
      if (await opens(context, robot)) throw new Error('the secret still opens');
    },
  },
  byId: { prepare: withRobot, work: (some, context) => some.applications.byId(robotIn(context).applicationId) },
  byAppId: { prepare: withRobot, work: (some, context) => some.applications.byAppId(robotIn(context).appId) },
  list: { prepare: withRobot, work: (some) => some.applications.list(everything) },
  createPrincipal: {
    async prepare(context) {
      await withRobot(context);
      await context.sound.applications.removePrincipal(robotIn(context).objectId);
    },
    async work(some, context) {
      const robot = robotIn(context);
      await unlessDone(some.applications.createPrincipal(robot.appId, true));
      if (!(await opens(context, robot))) throw new Error('the application cannot sign in');
    },
  },
  setEnabled: {
    prepare: withRobot,
    async work(some, context) {
      const robot = robotIn(context);
      await some.applications.setEnabled(robot.objectId, false);
      if (await opens(context, robot)) throw new Error('the secret still opens');
    },
  },
  removePrincipal: {
    prepare: withRobot,
    async work(some, context) {
      const robot = robotIn(context);
      await unlessDone(some.applications.removePrincipal(robot.objectId));
      if (await opens(context, robot)) throw new Error('the secret still opens');
    },
  },
  principalById: {
    prepare: withRobot,
    work: (some, context) => some.applications.principalById(robotIn(context).objectId),
  },
  principalByAppId: {
    prepare: withRobot,
    work: (some, context) => some.applications.principalByAppId(robotIn(context).appId),
  },
  listPrincipals: { prepare: withRobot, work: (some) => some.applications.listPrincipals(everything) },
  addSecret: {
    prepare: withRobot,
    async work(some, context) {
      const { appId } = robotIn(context);
      const { secret } = await some.applications.addSecret({ appId, owner: 'servicePrincipal' }, noTerms);
      if (!(await context.sound.directory.bySecret(appId, secret))) throw new Error('the new secret does not open');
    },
  },
  removeSecret: {
    prepare: withRobot,
    async work(some, context) {
      const robot = robotIn(context);
      await unlessDone(some.applications.removeSecret({ appId: robot.appId, owner: 'application' }, robot.keyId));
      if (await opens(context, robot)) throw new Error('the secret still opens');
    },
  },
};

const names = new WeakMap<Context, string>();

function nameIn(context: Context): string {
  const name = names.get(context) ?? randomIds.guid();
  names.set(context, name);
  return name;
}

const assignmentOf = (context: Context) => ({
  name: nameIn(context),
  scope: context.world.registry.resourceKey,
  roleId: reader,
  principalId: robotIn(context).objectId,
  principalType: 'ServicePrincipal',
  description: null,
  by: 'somebody',
});

async function withRole(context: Context): Promise<void> {
  await withRobot(context);
  await context.sound.assignments.assign(assignmentOf(context));
}

const rolesIn = (context: Context) =>
  context.sound.directory.rolesOf(robotIn(context).objectId, context.world.registry.resourceKey);

export const assignmentEntries: { readonly [M in keyof RoleAssignments]: Entry } = {
  assign: {
    prepare: withRobot,
    async work(some, context) {
      const { kind } = await some.assignments.assign(assignmentOf(context));
      if (kind !== 'created' && kind !== 'described') throw new Error(`the outcome is ${kind}`);
      if ((await rolesIn(context)).length !== 1) throw new Error('the role is not there');
    },
  },
  remove: {
    prepare: withRole,
    async work(some, context) {
      await some.assignments.remove(nameIn(context), context.world.registry.resourceKey);
      if ((await rolesIn(context)).length > 0) throw new Error('the role is still there');
    },
  },
  byName: { prepare: withRole, work: (some, context) => some.assignments.byName(nameIn(context)) },
  list: {
    prepare: withRole,
    async work(some, context) {
      const query = {
        scope: context.world.registry.resourceKey,
        atScope: false,
        principalId: null,
        last: null,
        limit: 9,
      };
      const listed = await some.assignments.list(query);
      if (!listed.some((one) => one.name === nameIn(context))) throw new Error('the role is not listed');
    },
  },
};

/** It only reads, so asking for somebody who is not there goes the whole way. */
export const peopleEntries: { readonly [M in keyof People]: Entry } = {
  byId: { work: (some) => some.people.byId('nobody') },
  byName: { work: (some) => some.people.byName('nobody') },
  list: { work: (some) => some.people.list({ last: '', limit: 5 }) },
};
