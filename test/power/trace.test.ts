import { describe, expect, test } from 'vitest';
import { openScratch } from '../start/_program.ts';
import { type Call, upTraced, whyNoTrace } from './_trace.ts';
import { type Acknowledged, askAs, runWorkload } from './_workload.ts';

const obstacle = whyNoTrace();
const skipped = obstacle === undefined ? '' : ` (skipped: ${obstacle})`;

describe.skipIf(obstacle !== undefined)(`the system calls before an answer${skipped}`, () => {
  test('sync bytes, name and database, in this order, and only then answer', async () => {
    await using scratch = await openScratch();
    const { server, calls } = upTraced(scratch);
    const { loginServer, username = '', password = '', pid } = await server.ready();
    const acknowledged: Acknowledged[] = [];
    await runWorkload(askAs({ loginServer, username, password }), {
      acknowledged: (what) => acknowledged.push(what),
      begins: () => undefined,
    });
    process.kill(pid, 'SIGTERM');
    await server.exit;
    const all = await calls();
    const answers = acknowledged.map((what) => ({ what, call: answerOf(all, what) }));
    const ofName = (name: string, turn = 0) => {
      const found = answers.filter((one) => one.what.name === name)[turn];
      if (!found) throw new Error(`no answer for ${name}`);
      const before = answers[answers.indexOf(found) - 1]?.call.end ?? 0;
      return { call: found.call, between: all.filter((call) => call.begin > before && call.begin < found.call.begin) };
    };

    for (const [name, turn] of [['large blob', 0] as const, ['second blob', 0] as const, ['large blob', 2] as const]) {
      const { call, between } = ofName(name, turn);
      const renamed = last(
        between,
        'rename',
        (one) => one.name.startsWith('rename') && isObject(pathsOf(one)[1] ?? ''),
      );
      const later = between.filter((one) => one.begin > renamed.end);
      const order = [
        last(between, 'bytes', (one) => /^pwritev?/.test(one.name) && isStaged(targetOf(one))),
        last(between, 'data sync', (one) => isSync(one) && isStaged(targetOf(one))),
        renamed,
        // The first: a push that finds its digest there removes its own object afterwards, and syncs that as well.
        first(later, 'directory sync', (one) => isSync(one) && /\/blobs\/objects\/..$/.test(targetOf(one))),
        last(between, 'database sync', (one) => isSync(one) && isLog(targetOf(one))),
        call,
      ];
      expectOrder(name, order);
    }
    for (const { what, call } of answers) {
      const earlier = all.filter((one) => one.begin < call.begin);
      const write = last(earlier, 'log write', (one) => one.name.startsWith('pwrite') && isLog(targetOf(one)));
      const sync = last(earlier, 'log sync', (one) => isSync(one) && isLog(targetOf(one)));
      expectOrder(`${what.name} (${what.status})`, [write, sync, call]);
    }
    expect(answers.map((one) => one.what.status)).toEqual(expect.arrayContaining([201, 202]));
  });
});

function expectOrder(name: string, order: readonly Call[]): void {
  for (const [index, call] of order.slice(1).entries()) {
    const before = order[index] as Call;
    expect(call.begin, `${name}: ${before.name} ${targetOf(before)} ends before ${call.name}`).toBeGreaterThan(
      before.end,
    );
  }
}

function last(calls: readonly Call[], what: string, is: (call: Call) => boolean): Call {
  const found = calls.findLast(is);
  if (!found) throw new Error(`no ${what} before the answer`);
  return found;
}

function first(calls: readonly Call[], what: string, is: (call: Call) => boolean): Call {
  return last(calls.toReversed(), what, is);
}

const isStaged = (path: string) => path.includes('/blobs/staged/');
const isObject = (path: string) => path.includes('/blobs/objects/');
const isLog = (path: string) => path.endsWith('/berth.db-wal');

function isSync(call: Call): boolean {
  return call.name === 'fsync' || call.name === 'fdatasync';
}

function targetOf(call: Call): string {
  return call.args[0]?.target ?? '';
}

function pathsOf(call: Call): string[] {
  return call.args.map((argument) => argument.bytes.toString()).filter((text) => text !== '');
}

/** The call that wrote the first bytes of an answer to its socket. */
function answerOf(calls: readonly Call[], { requestId, status }: Acknowledged): Call {
  const found = calls.find((call) => {
    if (!/^(?:write|writev|sendto|sendmsg)$/.test(call.name) || !targetOf(call).startsWith('TCP')) return false;
    const text = Buffer.concat(call.args.map((one) => one.bytes)).toString('latin1');
    return text.startsWith(`HTTP/1.1 ${status}`) && text.includes(requestId);
  });
  if (!found) throw new Error(`the answer ${requestId} is not in the trace`);
  return found;
}
