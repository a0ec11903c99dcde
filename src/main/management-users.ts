import type { Exchange, RouteParameters } from '../http/index.ts';
import type { Accounts, SignIns } from '../identity/index.ts';
import { Fault } from '../kernel/index.ts';
import { flagOf, optionalTextOf, readObject, textOf } from './management-body.ts';

/** What the routes of this file work with. */
export interface UserServices {
  readonly accounts: Accounts;
  readonly signIns: Pick<SignIns, 'latest' | 'flush'>;
}

interface UserCall {
  readonly exchange: Exchange;
  readonly parameters: RouteParameters;
  readonly services: UserServices;
}

/** Users and the record of sign-ins, as the management socket serves them. */
export const userRoutes = [
  { id: 'user.list', methods: ['GET'], pattern: '/users' },
  { id: 'user.create', methods: ['POST'], pattern: '/users' },
  { id: 'user.update', methods: ['PATCH'], pattern: '/users/{user}' },
  { id: 'user.delete', methods: ['DELETE'], pattern: '/users/{user}' },
  { id: 'user.password', methods: ['POST'], pattern: '/users/{user}/password' },
  { id: 'user.revoke', methods: ['POST'], pattern: '/users/{user}/revoke' },
  { id: 'signIn.list', methods: ['GET'], pattern: '/sign-ins' },
] as const;

const maxSignIns = 1000;
const usersOfPage = 1000;

export const userHandlers: Readonly<Record<(typeof userRoutes)[number]['id'], (call: UserCall) => Promise<void>>> = {
  async 'user.list'({ exchange, services }) {
    const last = exchange.query.get('last') ?? '';
    exchange.sendJson(200, { users: await services.accounts.list({ last, limit: usersOfPage }) });
  },
  async 'user.create'({ exchange, services }) {
    const body = await readObject(exchange);
    const displayName = optionalTextOf(body, 'displayName');
    const password = optionalTextOf(body, 'password');
    const made = await services.accounts.create({
      name: textOf(body, 'name'),
      ...(displayName === undefined ? {} : { displayName }),
      ...(password === undefined ? {} : { password }),
    });
    exchange.sendJson(201, made);
  },
  async 'user.update'({ exchange, services, parameters }) {
    const enabled = flagOf(await readObject(exchange), 'enabled');
    if (enabled === undefined) throw new Fault('request-invalid', '"enabled" is missing');
    exchange.sendJson(200, await services.accounts.setEnabled(nameOf(parameters), enabled));
  },
  async 'user.delete'({ exchange, services, parameters }) {
    await services.accounts.remove(nameOf(parameters));
    exchange.send(204);
  },
  async 'user.password'({ exchange, services, parameters }) {
    const password = optionalTextOf(await readObject(exchange), 'password');
    exchange.sendJson(200, await services.accounts.setPassword(nameOf(parameters), password));
  },
  async 'user.revoke'({ exchange, services, parameters }) {
    exchange.sendJson(200, await services.accounts.revoke(nameOf(parameters)));
  },
  async 'signIn.list'({ exchange, services }) {
    const last = Number(exchange.query.get('last') ?? 20);
    if (!Number.isInteger(last) || last < 1 || last > maxSignIns) {
      throw new Fault('request-invalid', `a number of sign-ins is from 1 to ${maxSignIns}`);
    }
    // Those that this thread has just refused; other threads write theirs within seconds.
    await services.signIns.flush();
    exchange.sendJson(200, { signIns: await services.signIns.latest(await principalOf(services, exchange), last) });
  },
};

/** By name of a user, or by the object id of whoever it is. */
async function principalOf(services: UserServices, exchange: Exchange): Promise<string | null> {
  const user = exchange.query.get('user');
  if (user === null || /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(user)) return user;
  const known = await services.accounts.named(user);
  if (!known) throw new Fault('not-found', `there is no user named "${user.slice(0, 120)}"`);
  return known.objectId;
}

function nameOf(parameters: RouteParameters): string {
  return parameters['user'] ?? '';
}
