import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { roleIds } from '../e2e/_azure.ts';
import { type Effect, type Ground, itemsOf } from './_ground.ts';

const provider = 'providers/Microsoft.Authorization';
const definitionOf = ({ subscription }: Ground, role: string): string =>
  `${subscription}/${provider}/roleDefinitions/${role}`;

/** Gives Reader of a group to somebody new; answers the group, the assignment, and the look of the new one at the group. */
async function withReader(ground: Ground) {
  const { robot, arm } = await ground.robot();
  const group = await ground.group();
  const id = `${group}/${provider}/roleAssignments/${randomUUID()}`;
  const look = async (): Promise<number> => (await arm('GET', group)).status;
  expect(await look()).toBe(403);
  const properties = { roleDefinitionId: definitionOf(ground, roleIds.reader), principalId: robot.objectId };
  await ground.arm('PUT', id, { properties }, 201);
  return { robot, arm, group, id, look };
}

/** Microsoft.Authorization: what each operation does, read back. */
export const roleEffects: Readonly<Record<string, Effect>> = {
  'Microsoft.Authorization/RoleDefinitions_List': async ({ arm, subscription }) => {
    const filter = encodeURIComponent("roleName eq 'AcrPush'");
    const found = itemsOf(await arm('GET', `${subscription}/${provider}/roleDefinitions?$filter=${filter}`));
    expect(found).toMatchObject([{ name: roleIds.acrPush, properties: { roleName: 'AcrPush' } }]);
  },
  'Microsoft.Authorization/RoleDefinitions_Get': async (ground) => {
    const shown = await ground.arm('GET', definitionOf(ground, roleIds.reader));
    expect(shown).toMatchObject({ properties: { roleName: 'Reader', permissions: [{ actions: ['*/read'] }] } });
  },
  'Microsoft.Authorization/RoleAssignments_Create': async (ground) => {
    const { look } = await withReader(ground);
    expect(await look()).toBe(200);
  },
  'Microsoft.Authorization/RoleAssignments_Get': async (ground) => {
    const { id, group, robot } = await withReader(ground);
    expect(await ground.arm('GET', id)).toMatchObject({
      id,
      properties: { scope: group, principalId: robot.objectId },
    });
  },
  'Microsoft.Authorization/RoleAssignments_Delete': async (ground) => {
    const { id, look } = await withReader(ground);
    await ground.arm('DELETE', id);
    expect(await look()).toBe(403);
  },
  'Microsoft.Authorization/RoleAssignments_ListForScope': async (ground) => {
    const { id, group, robot } = await withReader(ground);
    const filter = encodeURIComponent(`principalId eq '${robot.objectId}'`);
    const listed = await ground.arm('GET', `${group}/${provider}/roleAssignments?$filter=${filter}`);
    expect(itemsOf(listed)).toMatchObject([{ id }]);
  },
  'Microsoft.Authorization/DenyAssignments_ListForScope': async ({ arm, group }) => {
    expect(itemsOf(await arm('GET', `${await group()}/${provider}/denyAssignments`))).toEqual([]);
  },
  'Microsoft.Authorization/Permissions_ListForResource': async (ground) => {
    const { arm, group } = await withReader(ground);
    const answer = await arm('GET', `${group}/${provider}/permissions`);
    expect(itemsOf(answer.json())).toMatchObject([{ actions: ['*/read'] }]);
  },
};
