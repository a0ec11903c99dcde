import { describe, expect, test } from 'vitest';
import { fakeMachine } from './_fake-machine.ts';
import { type CarryOutOptions, carryOut } from './carry-out.ts';
import type { Machine } from './machine.ts';
import { noPlace, type TrustPlace } from './place.ts';

const options: CarryOutOptions = {
  action: 'add',
  dryRun: false,
  asRoot: (store) => `sudo berth trust --${store}`,
};

/** A place that is a file, and a program to run when it has changed. */
function filePlace(machine: Machine, changes: Partial<TrustPlace> = {}): TrustPlace {
  const update = { kind: 'run', program: 'update', args: [] } as const;
  return {
    store: 'system',
    where: '/file',
    scope: 'machine',
    skip: null,
    async plan(action) {
      const isThere = (await machine.read('/file')) !== undefined;
      if (action === 'add') return isThere ? [] : [{ kind: 'write', path: '/file', text: 'x' }, update];
      return isThere ? [{ kind: 'remove', path: '/file', emptyFolders: [] }, update] : [];
    },
    ...changes,
  };
}

describe('carrying out what was planned', () => {
  test('adds, finds it there, removes, finds nothing there', async () => {
    const machine = fakeMachine({ isRoot: true });
    const places = [filePlace(machine)];
    const outcomes: string[] = [];
    for (const action of ['add', 'add', 'remove', 'remove'] as const) {
      outcomes.push(...(await carryOut(machine, places, { ...options, action })).map((line) => line.outcome));
    }
    expect(outcomes).toEqual(['added', 'present', 'removed', 'absent']);
    expect(machine.ran).toEqual([['update'], ['update']]);
    expect(machine.files.size).toBe(0);
  });

  test('only says what it would do when asked to', async () => {
    const machine = fakeMachine({ isRoot: true });
    const lines = await carryOut(machine, [filePlace(machine)], { ...options, dryRun: true });
    expect(lines).toMatchObject([{ outcome: 'would add', steps: ['write /file', 'run update'] }]);
    expect([machine.files.size, machine.ran.length]).toEqual([0, 0]);
  });

  test('names the command for what takes root, and only where something is to be done', async () => {
    const machine = fakeMachine();
    const lines = await carryOut(machine, [filePlace(machine)], options);
    expect(lines).toMatchObject([
      { outcome: 'skipped', reason: 'needs root; run: sudo berth trust --system', pending: true },
    ]);
    expect(machine.files.size).toBe(0);
    const undone = await carryOut(machine, [filePlace(machine)], { ...options, action: 'remove' });
    expect(undone).toMatchObject([{ outcome: 'absent', reason: null, pending: false }]);
    machine.files.set('/file', 'x');
    const owned = await carryOut(machine, [filePlace(machine, { scope: 'user' })], { ...options, action: 'remove' });
    expect(owned).toMatchObject([{ outcome: 'removed' }]);
  });

  test('puts back what a failed addition left, and goes on with the next place', async () => {
    const machine = fakeMachine({ isRoot: true });
    machine.failing.add('run');
    const undoing = filePlace(machine, {
      plan: async (action) =>
        action === 'add'
          ? [
              { kind: 'write', path: '/file', text: 'x' },
              { kind: 'run', program: 'update', args: [] },
            ]
          : [{ kind: 'remove', path: '/file', emptyFolders: [] }],
    });
    const lines = await carryOut(machine, [undoing, filePlace(machine), noPlace('nss', 'no browser')], options);
    expect(lines).toMatchObject([
      { outcome: 'failed', reason: 'run does not work', pending: true },
      { outcome: 'failed', reason: 'run does not work; putting it back: run does not work', pending: true },
      { store: 'nss', outcome: 'skipped', reason: 'no browser', pending: false },
    ]);
    expect(machine.files.size).toBe(0);
  });
});
