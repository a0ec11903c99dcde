import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin, parseResourceId, scopesAbove } from './resource-id.ts';

const registry = '/subscriptions/S1/resourceGroups/Rg/providers/Microsoft.ContainerRegistry/registries/One';

describe('a resource id', () => {
  it('is taken apart with its spelling kept and a key in lower case', () => {
    expect(parseResourceId(`${registry}/webhooks/hook/`)).toEqual({
      text: `${registry}/webhooks/hook`,
      key: `${registry}/webhooks/hook`.toLowerCase(),
      subscriptionId: 'S1',
      resourceGroup: 'Rg',
      provider: {
        namespace: 'Microsoft.ContainerRegistry',
        types: ['registries', 'webhooks'],
        names: ['One', 'hook'],
      },
    });
  });

  it('may hold double slashes and an extension of a resource', () => {
    const id = parseResourceId(`/${registry}//providers/Microsoft.Authorization/roleAssignments/a`);
    expect(id?.provider).toEqual({ namespace: 'Microsoft.Authorization', types: ['roleAssignments'], names: ['a'] });
    expect(id?.resourceGroup).toBe('Rg');
  });

  it.each(['', 'subscriptions/a', '/providers', '/providers/A', '/subscriptions/a/..', `${registry}/webhooks`, '/x/y'])(
    'is not %j',
    (text) => expect(parseResourceId(text)).toBeUndefined(),
  );

  it('is within its group and subscription, and not within a namesake', () => {
    const key = registry.toLowerCase();
    expect(scopesAbove(key)).toEqual(['/', '/subscriptions/s1', '/subscriptions/s1/resourcegroups/rg', key]);
    expect(scopesAbove(key).every((scope) => isWithin(key, scope))).toBe(true);
    expect(isWithin(key, '/subscriptions/s')).toBe(false);
    expect(isWithin(`${key}x`, key)).toBe(false);
  });

  it('may name a resource like the word of the path', () => {
    const text = '/subscriptions/s/resourceGroups/providers/providers/Microsoft.ContainerRegistry/registries/providers';
    expect(parseResourceId(text)?.provider).toEqual({
      namespace: 'Microsoft.ContainerRegistry',
      types: ['registries'],
      names: ['providers'],
    });
    expect(parseResourceId(`${text}/providers/P.Q/c/d`)?.provider?.names).toEqual(['d']);
    expect(scopesAbove(text.toLowerCase())).toEqual([
      '/',
      '/subscriptions/s',
      '/subscriptions/s/resourcegroups/providers',
      text.toLowerCase(),
    ]);
    expect(parseResourceId('/providers/providers/providers/providers')?.provider).toBeUndefined();
  });

  it('parses in one way only, whatever comes', () => {
    assert(
      property(string({ maxLength: 60 }), (text) => {
        const id = parseResourceId(`/subscriptions/s/${text}`);
        expect(id && parseResourceId(id.text)).toEqual(id);
      }),
    );
  });
});
