import { isFault, randomIds } from '../kernel/index.ts';
import type { Context, Entry } from './_every-use-case.ts';
import { identityOfRegistry } from './_registry-fixture.ts';
import { by } from './_world.ts';
import type { Registries, Usage } from './index.ts';

const nameOf = ({ world, nth }: Context) => `X${world.registry.name.slice(0, 20)}${nth}`;
const keyOf = (context: Context) => context.world.registry.resourceKey.replace(/[^/]+$/, nameOf(context).toLowerCase());
const plain = { adminEnabled: false, anonymousPull: false };

async function unless(work: Promise<unknown>, code: 'conflict' | 'not-found'): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isFault(error, code)) throw error;
  });
}

const newIdentity = () => ({ objectId: randomIds.guid(), appId: randomIds.guid() });

/** How registries are asked and changed. */
export const registryEntries: { readonly [M in keyof Registries]: Entry } = {
  byName: { work: (some, { world }) => some.registries.byName(world.registry.name) },
  default: { work: (some) => some.registries.default() },
  list: { work: (some) => some.registries.list({ last: '', limit: 10 }) },
  resource: { work: (some, { world }) => some.registries.resource(world.registry.resourceKey) },
  resources: {
    async work(some, { world }) {
      const last = world.registry.resourceKey.slice(0, -1);
      for (const group of [null, world.registry.resourceGroup]) {
        const found = await some.registries.resources({ group, last, limit: 1 });
        if (found[0]?.resourceKey !== world.registry.resourceKey) throw new Error('the registry is not listed');
      }
    },
  },
  regions: { work: (some) => some.registries.regions() },
  create: {
    functions: ['createManagedIdentity'],
    async work(some, context) {
      const options = { ...plain, name: nameOf(context), identity: newIdentity() };
      await unless(some.registries.create(by('owner'), options), 'conflict');
      const made = await context.sound.registries.resource(keyOf(context));
      if (made?.resourceName !== nameOf(context)) throw new Error('no registry was made');
      if ((await identityOfRegistry(context.world.database, made)) !== made.identityId)
        throw new Error('its identity is another one');
    },
  },
  change: {
    functions: ['countTokens'],
    async work(some, context) {
      const { world, nth } = context;
      const anonymousPull = nth % 2 === 0;
      const identity = anonymousPull ? newIdentity() : null;
      await some.registries.change(by('owner'), world.registry.name, { anonymousPull, identity, asDefault: true });
      const changed = await context.sound.registries.resource(world.registry.resourceKey);
      if (changed?.anonymousPull !== anonymousPull || !changed.isDefault) throw new Error('nothing was changed');
      const found = await identityOfRegistry(world.database, changed);
      if (found !== changed.identityId || (found !== null) !== anonymousPull)
        throw new Error('its identity is another one');
    },
  },
  remove: {
    functions: ['removeManagedIdentity', 'forgetAssignmentsWithin'],
    async prepare(context) {
      const options = { ...plain, name: nameOf(context), identity: newIdentity() };
      await context.sound.registries.create(by('owner'), options);
    },
    async work(some, context) {
      await unless(some.registries.remove(by('owner'), nameOf(context)), 'not-found');
      const key = keyOf(context);
      if (await context.sound.registries.resource(key)) throw new Error('the registry is still there');
      if ((await identityOfRegistry(context.world.database, { resourceKey: key })) !== null)
        throw new Error('its identity is still there');
    },
  },
};

export const usageEntries: { readonly [M in keyof Usage]: Entry } = {
  bytes: {
    async work(some, { world }) {
      if ((await some.usage.bytes(world.registry)) < 70_000) throw new Error('less than what was pushed');
    },
  },
};
