import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ArmContracts, type ArmOperation, lazyContracts } from './contracts.ts';
import { bodyValidator } from './validate.ts';

const contracts = await lazyContracts()();
const validate = bodyValidator(contracts);

function operationOf(id: string): ArmOperation {
  const operation = contracts.operations.get('Microsoft.ContainerRegistry')?.get(id);
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  return operation;
}

const judge = (id: string, body: unknown) => validate(operationOf(id), body);

const registry = { location: 'eastus', sku: { name: 'Premium' } };

describe('a body', () => {
  test('that fits is answered as it is', async () => {
    const body = { ...registry, tags: { a: 'b' }, properties: { adminUserEnabled: true } };
    expect(await judge('Registries_Create', body)).toEqual({ body, problems: [], unknown: [] });
  });

  test('is told all that is wrong with it, where, and in words', async () => {
    const ipRules = [{ value: '10.0.0.0/8' }, {}, { value: 7 }];
    const { problems } = await judge('Registries_Create', {
      sku: { name: 'Gold' },
      properties: { adminUserEnabled: 'yes', networkRuleSet: { defaultAction: 'Deny', ipRules } },
      tags: { 'a b': {}, '5': [] },
    });
    expect(problems.map(({ message }) => message).toSorted()).toEqual([
      "'location' is required, and was not given.",
      "'properties.adminUserEnabled' must be true or false, and is text.",
      "'properties.networkRuleSet.ipRules[1].value' is required, and was not given.",
      "'properties.networkRuleSet.ipRules[2].value' must be text, and is a number.",
      "'sku.name' must be one of 'Classic', 'Basic', 'Standard', 'Premium', and is 'Gold'.",
      "'tags.5' must be text, and is a list.",
      `'tags["a b"]' must be text, and is an object.`,
    ]);
    expect(problems.find(({ path }) => path === 'sku.name')).toMatchObject({
      expected: "one of 'Classic', 'Basic', 'Standard', 'Premium'",
      found: "'Gold'",
    });
  });

  test('has the limits of text and numbers', async () => {
    const short = await judge('Registries_CheckNameAvailability', {
      name: 'a-b',
      type: 'Microsoft.ContainerRegistry/registries',
      resourceGroupName: '',
    });
    expect(short.problems.map(({ expected }) => expected)).toEqual(['at least 1 characters']);
    const run = { type: 'DockerBuildRequest', dockerFilePath: 'f', platform: { os: 'Linux' }, timeout: 1.5 };
    expect((await judge('Registries_ScheduleRun', run)).problems.map(({ message }) => message).toSorted()).toEqual([
      "'timeout' must be a number not below 300, and is 1.5.",
      "'timeout' must be a whole number, and is a number.",
    ]);
  });

  test('gets the spelling that the schema has, and truth values and numbers that came as text', async () => {
    const { body, problems } = await judge('Registries_Create', {
      location: 'eastus',
      sku: { name: 'premium' },
      properties: {
        adminUserEnabled: 'True',
        publicNetworkAccess: 'DISABLED',
        policies: { retentionPolicy: { days: '7', status: 'Enabled' } },
      },
    });
    expect(problems).toEqual([]);
    expect(body).toEqual({
      location: 'eastus',
      sku: { name: 'Premium' },
      properties: {
        adminUserEnabled: true,
        publicNetworkAccess: 'Disabled',
        policies: { retentionPolicy: { days: 7, status: 'enabled' } },
      },
    });
  });

  test('that was read and is sent back loses what is read-only, whatever it says', async () => {
    const readOnly = { id: '/x', name: 7, type: 'Microsoft.ContainerRegistry/registries', systemData: 'none' };
    const properties = {
      loginServer: 1,
      creationDate: 'yesterday',
      provisioningState: 'No',
      anonymousPullEnabled: false,
    };
    for (const id of ['Registries_Create', 'Registries_Update']) {
      const sent = { ...registry, ...readOnly, sku: { name: 'Premium', tier: 'x' }, properties };
      expect(await judge(id, sent)).toEqual({
        body: { ...registry, properties: { anonymousPullEnabled: false } },
        problems: [],
        unknown: [],
      });
    }
  });

  test('of a PATCH needs nothing but inside lists, which are sent whole', async () => {
    const change = { properties: { networkRuleSet: { ipRules: [{ action: 'allow' }] } } };
    const { problems } = await judge('Registries_Update', change);
    expect(problems.map(({ path }) => path)).toEqual(['properties.networkRuleSet.ipRules[0].value']);
    expect((await judge('Registries_Update', { properties: { networkRuleSet: {} } })).problems).toEqual([]);
    expect((await judge('Registries_Update', {})).problems).toEqual([]);
  });

  test('may have null for what is optional, and keeps it', async () => {
    const body = { properties: { sourceRepository: 'a/b', targetRepository: 'b', credentialSetResourceId: null } };
    expect(await judge('CacheRules_Create', body)).toEqual({ body, problems: [], unknown: [] });
    const { problems } = await judge('Registries_Create', { ...registry, location: null });
    expect(problems.map(({ message }) => message)).toEqual(["'location' is required, and was not given."]);
  });

  test('keeps properties that nobody knows, and they are told', async () => {
    const body = { ...registry, properties: { policies: { shinyPolicy: { a: 1 } }, ['__proto__']: 1 }, x: [1] };
    const sent = JSON.parse(
      '{"location":"eastus","sku":{"name":"Premium"},"properties":{"policies":{"shinyPolicy":{"a":1}},"__proto__":{"b":2}},"x":[1]}',
    );
    const verdict = await judge('Registries_Create', sent);
    expect(verdict.unknown).toEqual(['properties.policies.shinyPolicy', 'properties.__proto__', 'x']);
    expect(JSON.stringify(verdict.body)).toBe(JSON.stringify(sent));
    expect(Object.keys(body)).toEqual(Object.keys(verdict.body as object));
  });

  test('with a discriminator is held against the schema of its word', async () => {
    const { body, problems } = await judge('Registries_ScheduleRun', {
      type: 'filetaskrunrequest',
      platform: { os: 'linux' },
      isArchiveEnabled: 'false',
    });
    expect(body).toEqual({ type: 'FileTaskRunRequest', platform: { os: 'Linux' }, isArchiveEnabled: false });
    expect(problems.map(({ path }) => path)).toEqual(['taskFilePath']);
    const wrong = await judge('Registries_ScheduleRun', { type: 'Other' });
    expect(wrong.problems.map(({ message }) => message)).toEqual([
      "'type' must be one of 'DockerBuildRequest', 'EncodedTaskRunRequest', 'FileTaskRunRequest', 'TaskRunRequest', and is 'Other'.",
    ]);
    expect((await judge('Registries_ScheduleRun', {})).problems.map(({ path }) => path)).toEqual(['type']);
  });

  test.each([undefined, null, 1, 'text', []])('%j is not one', async (body) => {
    const { problems } = await judge('Registries_Create', body);
    expect(problems.map(({ message }) => message)).toEqual([expect.stringMatching(/^The body must be a/)]);
  });

  test('of an operation that takes none is not looked at', async () => {
    expect(await judge('Registries_ListCredentials', { a: 1 })).toEqual({ body: undefined, problems: [], unknown: [] });
  });

  test('of more values than any request needs is refused, however they are arranged', async () => {
    const many = Array.from({ length: 30_000 }, (_, index) => index);
    const wide = Object.fromEntries(many.map((index) => [`k${index}`, 1]));
    for (const body of [{ properties: { actions: many } }, wide, { properties: wide }]) {
      const { problems } = await judge('ScopeMaps_Create', body);
      expect(problems.map(({ found }) => found)).toEqual(['more than 20,000 values']);
    }
  });

  test('is told twenty problems at most', async () => {
    const actions = Array.from({ length: 1000 }, (_, index) => index);
    expect((await judge('ScopeMaps_Create', { properties: { actions } })).problems).toHaveLength(20);
  });

  test('has times and durations as Azure takes them', async () => {
    const generate = async (expiry: unknown) =>
      (await judge('Registries_GenerateCredentials', { expiry })).problems.length;
    for (const time of ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.1234567+01:00', '2026-01-31T12:00']) {
      expect(await generate(time), time).toBe(0);
    }
    for (const time of ['tomorrow', '2026-13-01T00:00:00Z', '2026-01-31', 5])
      expect(await generate(time), String(time)).toBe(1);
    const sync = async (messageTtl: string) => {
      const properties = { mode: 'readonly', parent: { syncProperties: { tokenId: 't', messageTtl } } };
      return (await judge('ConnectedRegistries_Create', { properties })).problems.length;
    };
    for (const ttl of ['P2D', 'PT1H30M', 'P1DT0.5S']) expect(await sync(ttl), ttl).toBe(0);
    for (const ttl of ['P', 'PT', '2D', 'P1DT']) expect(await sync(ttl), ttl).toBe(1);
  });
});

test('the judge gives any JSON an answer, never changes what it was given, and is content with what it answered', async () => {
  const key = fc.constantFrom(
    'properties',
    'sku',
    'name',
    'location',
    'tags',
    'policies',
    'id',
    'ipRules',
    'type',
    '__proto__',
  );
  const { value } = fc.letrec((tie) => ({
    leaf: fc.oneof(fc.constantFrom('premium', 'eastus', 'Docker', 'true', '7'), fc.jsonValue({ maxDepth: 1 })),
    value: fc.oneof(
      { maxDepth: 4 },
      tie('leaf'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
    ),
  }));
  const ids = fc.constantFrom('Registries_Create', 'Registries_Update', 'Tasks_Create', 'Registries_ScheduleRun');
  await fc.assert(
    fc.asyncProperty(ids, value, async (id, body) => {
      const before = JSON.stringify(body);
      const once = await judge(id, body);
      expect(JSON.stringify(body)).toBe(before);
      if (once.problems.length > 0) return;
      expect(await judge(id, once.body)).toEqual(once);
    }),
    { numRuns: 500 },
  );
});

test('schemas that could not be read for the engine are read at the next body', async () => {
  let reads = 0;
  const flaky: ArmContracts = {
    ...contracts,
    async schemas(namespace) {
      reads += 1;
      // The first is for cleaning the body, the second for the engine.
      if (reads === 2) throw new Error('the disk is away');
      return contracts.schemas(namespace);
    },
  };
  const judging = bodyValidator(flaky);
  await expect(judging(operationOf('Registries_Create'), registry)).rejects.toThrow('the disk is away');
  expect((await judging(operationOf('Registries_Create'), registry)).problems).toEqual([]);
});

test('what is read-only is not required, whatever its schema says', async () => {
  const schema = { type: 'object', required: ['id', 'a'], properties: { id: { readOnly: true }, a: {} } };
  const judging = bodyValidator({ ...contracts, schemas: async () => ({ Registry: schema }) });
  const { problems } = await judging(operationOf('Registries_Create'), { id: 1 });
  expect(problems.map(({ path }) => path)).toEqual(['a']);
});

const specs = process.env['BERTH_SPECS'] ?? join(import.meta.dirname, '../../../../shared/specs/rebuilt');
const recordings = join(specs, '../../facts/az-recordings.jsonl');
const isRecorded = existsSync(recordings);
if (!isRecorded) console.log(`test of what az was recorded to send skipped: ${recordings} is not there`);

describe.skipIf(!isRecorded)('what az 2.91 was recorded to send', () => {
  interface Recorded {
    readonly m: string;
    readonly host: string;
    readonly path: string;
    readonly body: string;
    readonly cmd: string;
  }

  test('is of operations that are known, and has bodies without problems', async () => {
    const lines = (await readFile(recordings, 'utf8')).split('\n').filter((line) => line !== '');
    const sent = lines.map((line) => JSON.parse(line) as Recorded).filter(({ host }) => host.startsWith('management.'));
    const unknown = new Set<string>();
    let judged = 0;
    for (const { m, path, body, cmd } of sent) {
      // Polls of the recorder's own, its metadata, and another service.
      if (/\/_ops\/|^\/metadata\/|Microsoft\.KeyVault/.test(path)) continue;
      const found = contracts.find(m, path);
      if (found.kind !== 'found') throw new Error(`${m} ${path} (${cmd}) is of no operation`);
      // Of deployments az sends text that is not JSON.
      if (body === '' || found.operation.id.startsWith('Deployments_')) continue;
      const verdict = await validate(found.operation, JSON.parse(body));
      expect(verdict.problems, cmd).toEqual([]);
      for (const name of verdict.unknown) unknown.add(name);
      judged += 1;
    }
    expect(judged).toBeGreaterThan(30);
    // Of a version of container groups that there is no description of.
    expect([...unknown]).toEqual(['properties.containers[0].properties.configMap']);
  });
});
