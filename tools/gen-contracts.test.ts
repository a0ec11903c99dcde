import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Description } from './contracts/description.ts';
import { wireTypes } from './contracts/wire-types.ts';
import { generateContracts, makeContract, type Source } from './gen-contracts.ts';

const shelf = '/subscriptions/{subscriptionId}/providers/Contoso.Library/shelves/{shelfName}';
const version = { name: 'api-version', in: 'query', required: true, type: 'string' } as const;

const stable: Description = {
  info: { version: '2030-01-01' },
  paths: {
    [shelf]: {
      get: {
        operationId: 'Shelves_Get',
        parameters: [{ name: 'shelfName', in: 'path', type: 'string', pattern: '^[a-z]+$' }, version],
        responses: { '200': { schema: { $ref: '#/definitions/Shelf' } }, default: {} },
      },
      put: {
        operationId: 'Shelves_Create',
        parameters: [version, { name: 'shelf', in: 'body', required: true, schema: { $ref: '#/definitions/Shelf' } }],
        responses: { '201': { schema: { $ref: '#/definitions/Shelf' } }, '200': {}, default: {} },
        'x-ms-long-running-operation': true,
      },
      patch: {
        operationId: 'Shelves_Update',
        parameters: [version, { name: 'change', in: 'body', schema: { $ref: '#/definitions/ShelfChange' } }],
        responses: { '200': { schema: { $ref: '#/definitions/Shelf' } } },
      },
    },
    '/subscriptions/{subscriptionId}/providers/Contoso.Library/shelves': {
      get: {
        operationId: 'Shelves_List',
        parameters: [version, { name: '$top', in: 'query', type: 'integer' }],
        responses: {
          '200': {
            schema: {
              type: 'object',
              properties: { value: { type: 'array', items: { $ref: '#/definitions/Shelf' } } },
            },
          },
        },
        'x-ms-pageable': { nextLinkName: 'nextLink' },
      },
    },
    [`${shelf}/dust`]: { post: { operationId: 'Shelves_Dust', responses: { '202': {} } } },
  },
  definitions: {
    Resource: { type: 'object', properties: { id: { type: 'string', readOnly: true } }, required: ['id'] },
    Shelf: {
      type: 'object',
      allOf: [{ $ref: '#/definitions/Resource' }],
      properties: {
        length: { type: 'integer', minimum: 1, ...({ description: 'in metres' } as object) },
        wood: { type: 'string', enum: ['Oak', 'Pine'] },
        thing: { $ref: '#/definitions/Thing' },
      },
      required: ['length'],
    },
    ShelfChange: { type: 'object', properties: { length: { type: 'integer' } } },
    Thing: { type: 'object', properties: { kind: { type: 'string' } }, required: ['kind'], discriminator: 'kind' },
    Book: {
      type: 'object',
      allOf: [{ $ref: '#/definitions/Thing' }],
      properties: { title: { type: 'string' } },
      required: ['title'],
      'x-ms-discriminator-value': 'book',
    },
    Unused: { type: 'object' },
  },
};

const preview: Description = {
  info: { version: '2031-01-01-preview' },
  paths: {
    [shelf.replace('{shelfName}', '{name}')]: { get: { operationId: 'Shelves_Get', responses: { '200': {} } } },
    [`${shelf}/lamps/{lampName}`]: { delete: { operationId: 'Lamps_Delete', responses: { '204': {} } } },
  },
  definitions: {
    Shelf: {
      type: 'object',
      properties: { length: { type: 'string' }, colour: { type: 'string' } },
      required: ['colour'],
    },
  },
};

describe('the table', () => {
  const { operations } = makeContract([stable, preview]);
  const byId = new Map(operations.map((row) => [row.id, row]));

  test('has every operation of every version once, ordered by id, with the versions that know it', () => {
    expect(operations.map(({ id, apiVersions }) => `${id} ${apiVersions.join(' ')}`)).toEqual([
      'Lamps_Delete 2031-01-01-preview',
      'Shelves_Create 2030-01-01',
      'Shelves_Dust 2030-01-01',
      'Shelves_Get 2030-01-01 2031-01-01-preview',
      'Shelves_List 2030-01-01',
      'Shelves_Update 2030-01-01',
    ]);
  });

  test('tells what each is about, and which word does more than read and write', () => {
    const told = operations.map(({ type, action }) => [type, action]);
    expect(told).toEqual([
      ['Contoso.Library/shelves/lamps', null],
      ['Contoso.Library/shelves', null],
      ['Contoso.Library/shelves', 'dust'],
      ['Contoso.Library/shelves', null],
      ['Contoso.Library/shelves', null],
      ['Contoso.Library/shelves', null],
    ]);
  });

  test('has statuses, paging, parameters and the names of the schemas', () => {
    expect(byId.get('Shelves_Create')).toMatchObject({
      method: 'PUT',
      path: shelf,
      longRunning: true,
      statuses: [200, 201],
      paging: null,
      body: 'Shelf',
      response: 'Shelf',
    });
    expect(byId.get('Shelves_List')).toMatchObject({
      longRunning: false,
      paging: 'nextLink',
      body: null,
      response: 'Shelves_ListResponse',
      query: { $top: { type: 'integer' }, 'api-version': { type: 'string', required: true } },
    });
    expect(byId.get('Shelves_Get')?.pathParameters).toEqual({ shelfName: { type: 'string', pattern: '^[a-z]+$' } });
  });

  test('takes from older descriptions the versions only', () => {
    const { operations } = makeContract([stable], { versionsOnly: [preview] });
    expect(operations.some(({ id }) => id === 'Lamps_Delete')).toBe(false);
    expect(operations.find(({ id }) => id === 'Shelves_Get')?.apiVersions).toContain('2031-01-01-preview');
  });
});

describe('the schemas', () => {
  const { schemas } = makeContract([stable, preview]);

  test('write out what is inherited, without words for readers, and leave out what no operation leads to', () => {
    expect(Object.keys(schemas)).toEqual(['Book', 'Shelf', 'ShelfChange', 'Shelves_ListResponse', 'Thing']);
    expect(schemas['Shelf']).toEqual({
      type: 'object',
      properties: {
        id: { type: 'string', readOnly: true },
        length: { type: 'integer', minimum: 1 },
        wood: { type: 'string', enum: ['Oak', 'Pine'] },
        thing: { $ref: '#/$defs/Thing' },
        colour: { type: 'string' },
      },
      required: ['id', 'length'],
    });
  });

  test('keep a discriminator with the schema for each word', () => {
    expect(schemas['Thing']?.discriminator).toEqual({ propertyName: 'kind', mapping: { book: 'Book' } });
    expect(schemas['Book']?.properties?.['kind']).toEqual({ type: 'string', enum: ['book'] });
  });

  test('let a request hold the read-only properties of its answer', () => {
    expect(schemas['ShelfChange']?.properties).toEqual({
      length: { type: 'integer' },
      id: { type: 'string', readOnly: true },
    });
  });
});

describe('an overlay', () => {
  const reason = 'Tests want it.';

  test('adds operations, changes fields and schemas, and adds versions', () => {
    const { operations, schemas } = makeContract([stable], {
      overlay: {
        apiVersions: [{ reason, version: '2032-01-01', like: '2030-01-01', without: ['Shelves_L'] }],
        operations: [{ reason, ids: ['Shelves_Dust'], set: { id: 'Shelves_Clean' } }],
        schemas: [{ reason, name: 'Shelf', merge: { properties: { wood: null, glass: { type: 'boolean' } } } }],
      },
    });
    const later = operations.filter(({ apiVersions }) => apiVersions.includes('2032-01-01')).map(({ id }) => id);
    expect(later).toEqual(['Shelves_Clean', 'Shelves_Create', 'Shelves_Get', 'Shelves_Update']);
    expect(Object.keys(schemas['Shelf']?.properties ?? {})).toEqual(['id', 'length', 'thing', 'glass']);
  });

  test('gives the type of another operation to one that is the same request', () => {
    const overlay = { operations: [{ reason, ids: ['Shelves_Get'], set: { sameAs: 'Shelves_Dust' } }] };
    const { operations } = makeContract([stable], { overlay });
    expect(operations.find(({ id }) => id === 'Shelves_Get')).toMatchObject({ sameAs: 'Shelves_Dust', action: 'dust' });
  });

  test.each([
    ['an operation that is not there', { operations: [{ reason, ids: ['No_Such'], set: {} }] }, 'no operation No_Such'],
    ['nothing', { schemas: [{ reason, name: 'Shelf', merge: { type: 'object' } }] }, 'changes nothing'],
    ['something without a reason', { schemas: [{ reason: '', name: 'Shelf', merge: {} }] }, 'no reason'],
    ['a version like none', { apiVersions: [{ reason, version: '1', like: '2' }] }, 'no operation is known in 2'],
  ])('that changes %s is refused', (_, overlay, message) => {
    expect(() => makeContract([stable], { overlay })).toThrow(message);
  });
});

test('wire types say what is optional, and name only what the wanted ones lead to', () => {
  const { schemas } = makeContract([stable]);
  const text = wireTypes([{ schemas, names: ['Shelf'] }], 'Made.');
  expect(text).toContain("  readonly wood?: 'Oak' | 'Pine';\n");
  expect(text).toContain('  readonly length: number;\n');
  expect(text).not.toContain('ShelfChange');
});

describe('the files', () => {
  const sources: readonly Source[] = [{ namespace: 'Contoso.Library', descriptions: ['library.json'] }];

  async function makeRoot() {
    const root = await mkdtemp(join(tmpdir(), 'berth-contracts-'));
    await mkdir(join(root, 'specs'));
    await writeFile(join(root, 'specs', 'library.json'), JSON.stringify(stable));
    const generate = (check: boolean) => generateContracts(root, { check, sources, folder: 'specs' });
    return { root, generate, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
  }

  test('are written once, and the check finds one that is missing, changed or of a namespace that is gone', async () => {
    await using world = await makeRoot();
    const both = ['contracts/operations/Contoso.Library.json', 'contracts/schemas/Contoso.Library.json'];
    expect(await world.generate(true)).toEqual(both);
    expect(await world.generate(false)).toEqual(both);
    expect(await world.generate(true)).toEqual([]);
    await writeFile(join(world.root, 'contracts', 'schemas', 'Gone.json'), '{}');
    await writeFile(join(world.root, String(both[0])), '{}');
    expect((await world.generate(true)).toSorted()).toEqual([both[0], 'contracts/schemas/Gone.json']);
    await world.generate(false);
    expect(await world.generate(true)).toEqual([]);
    expect(await readdir(join(world.root, 'contracts', 'schemas'))).toEqual(['Contoso.Library.json']);
  });

  test('have one operation and one schema a line', async () => {
    await using world = await makeRoot();
    await world.generate(false);
    const operations = await readFile(join(world.root, 'contracts/operations/Contoso.Library.json'), 'utf8');
    const rows = operations.split('\n').filter((line) => line.startsWith('{"id":'));
    expect(rows.map((line) => JSON.parse(line.replace(/,$/, '')).id)).toHaveLength(5);
    const schemas = await readFile(join(world.root, 'contracts/schemas/Contoso.Library.json'), 'utf8');
    expect(schemas).toMatch(/^"ShelfChange":\{.*\},$/m);
  });
});
