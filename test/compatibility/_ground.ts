import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { dataRoutes } from '../../src/content/index.ts';
import { compileRoutes } from '../../src/http/index.ts';
import { type Azure, azureOf, type Caller, type Robot } from '../e2e/_azure.ts';
import { basic, type Client } from '../e2e/_client.ts';
import type { LoginAnswer } from '../e2e/_login.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { contracts } from './_served.ts';

/** Does one operation and reads back what it did. */
export type Effect = (ground: Ground) => Promise<void>;

/** A running Berth, and what was asked of it with success. */
export interface Ground extends AsyncDisposable {
  readonly berth: Berth;
  readonly azure: Azure;
  readonly subscription: string;
  /** Operations and routes that have answered well since the last `forget`. */
  readonly done: Set<string>;
  /** As the operator. Fails unless the status is the one that is told, or any below 300. */
  readonly arm: (method: string, path: string, body?: unknown, status?: number) => Promise<Record<string, unknown>>;
  /** As the operator, whatever comes. */
  readonly send: Caller;
  /** The content of the first registry, as its admin. */
  readonly content: Client;
  readonly contentOf: (registry: string, authorization?: string) => Client;
  /** Makes a group and answers its id. */
  readonly group: () => Promise<string>;
  /** Makes a registry in a group of its own, and answers its id. */
  readonly registry: (more?: Record<string, unknown>) => Promise<string>;
  /** A service principal without a role, and the resource manager as it sees it. */
  readonly robot: () => Promise<{ robot: Robot; arm: Caller }>;
}

/** A name that nothing else has. */
export const unique = (): string => `e${randomUUID().replaceAll('-', '').slice(0, 12)}`;

export const itemsOf = (body: Record<string, unknown>): Record<string, unknown>[] =>
  body['value'] as Record<string, unknown>[];

const versions: readonly [RegExp, string][] = [
  [/providers\/Microsoft\.Authorization\//i, '2022-04-01'],
  [/providers\/Microsoft\.ContainerRegistry\//i, '2025-11-01'],
  [/./, '2022-12-01'],
];

/** A path with the version that clients send there. */
export function versioned(path: string): string {
  const version = versions.find(([pattern]) => pattern.test(path))?.[1] ?? '';
  return `${path}${path.includes('?') ? '&' : '?'}api-version=${version}`;
}

export async function startGround(): Promise<Ground> {
  const berth = await startBerth();
  const azure = await azureOf(berth);
  const done = new Set<string>();
  const routeOf = compileRoutes(dataRoutes);

  const noting =
    (caller: Caller): Caller =>
    async (method, path, body) => {
      const answer = await caller(method, versioned(path), body);
      const found = contracts.find(method, path.split('?')[0] ?? '');
      if (answer.status < 300 && found.kind === 'found') done.add(`${found.operation.namespace}/${found.operation.id}`);
      return answer;
    };
  const send = noting(azure.arm);
  const contentClient =
    (client: Client): Client =>
    async (method, path, options) => {
      const answer = await client(method, path, options);
      const matched = routeOf(method, path.split('?')[0] ?? '');
      if (answer.status < 300 && matched.kind === 'match') done.add(`${matched.route.id} ${method}`);
      return answer;
    };
  const arm: Ground['arm'] = async (method, path, body, status) => {
    const answer = await send(method, path, body);
    const where = `${method} ${path}: ${answer.status} ${answer.text}`;
    if (status === undefined) expect(answer.status, where).toBeLessThan(300);
    else expect(answer.status, where).toBe(status);
    return jsonOf(answer);
  };
  const group = async (): Promise<string> => {
    const id = `${azure.subscription}/resourceGroups/${unique()}`;
    await arm('PUT', id, { location: 'local' }, 201);
    return id;
  };
  return {
    berth,
    azure,
    subscription: azure.subscription,
    done,
    arm,
    send,
    content: contentClient(berth.admin),
    contentOf: (registry, authorization) => contentClient(berth.at(registry, authorization)),
    group,
    async registry(more = {}) {
      const id = `${await group()}/providers/Microsoft.ContainerRegistry/registries/${unique()}`;
      await arm('PUT', id, { location: 'local', sku: { name: 'Basic' }, ...more });
      return id;
    },
    async robot() {
      const robot = await azure.robot(unique());
      const token = await azure.robotToken(robot, azure.audience('management'));
      return { robot, arm: noting(azure.as(token).arm) };
    },
    [Symbol.asyncDispose]: () => berth[Symbol.asyncDispose](),
  };
}

/** The name at the end of an id. */
export const nameOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** The credentials of a registry as the resource manager tells them. */
export async function passwordsOf(ground: Ground, id: string): Promise<string[]> {
  const { passwords } = (await ground.arm('POST', `${id}/listCredentials`)) as { passwords: { value: string }[] };
  return passwords.map(({ value }) => value);
}

/** The content of a registry of one's own, by its admin's password. */
export const asAdmin = (ground: Ground, id: string, password: string): Client =>
  ground.contentOf(nameOf(id), basic(nameOf(id), password));

function jsonOf(answer: LoginAnswer): Record<string, unknown> {
  return answer.text === '' ? {} : answer.json();
}
