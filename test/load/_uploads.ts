import type { Answer, Ask } from './_door.ts';
import { present } from './_model.ts';
import { ask, blobKey, change, headersFor, type Session, type Site } from './_site.ts';
import type { Content } from './_stock.ts';

/** `Range: 0-0` stands for no byte and for one (distribution-spec); nobody could tell where to go on. */
const fewestBytes = 2;
const octets = { 'content-type': 'application/octet-stream' };

/** Pushes a blob in one of the ways that clients have. The caller has claimed it. */
export async function pushBlob(site: Site, repository: string, content: Content): Promise<void> {
  const { random } = site;
  if (random.chance(0.25)) {
    await change(site, repository, 201, {
      method: 'POST',
      path: `/v2/${repository}/blobs/uploads/?digest=${content.digest}`,
      headers: octets,
      body: content.bytes(),
      pieces: 1 + random.below(4),
      effects: [[blobKey(repository, content.digest), present]],
    });
    return;
  }
  const session = await openSession(site, repository, content);
  await finish(site, session, random.below(4));
}

/** Opens a session and sends a part of a blob, or loses the connection while it does. The session stays. */
export async function beginUpload(site: Site, repository: string, content: Content): Promise<void> {
  const { random } = site;
  const session = await openSession(site, repository, content);
  const half = fewestBytes + random.below(content.size - fewestBytes);
  if (random.chance(0.5)) await append(site, session, half);
  else await breakOff(site, session, half);
  session.busy = false;
}

/** Goes on with a session that an earlier operation left, where the server says: to its end, or to give it up. */
export async function resumeUpload(site: Site, session: Session): Promise<void> {
  if (site.random.chance(0.3)) {
    session.ending = 'cancel';
    await ask(site, session.repository, [204], { method: 'DELETE', path: session.path });
    site.sessions.delete(session.path);
    return;
  }
  const status = await ask(site, session.repository, [204], { method: 'GET', path: session.path });
  noteProgress(session, status);
  // At least one PATCH: it says where it begins, so a broken-off request that is still at work is noticed.
  await finish(site, session, 1 + site.random.below(3));
}

/** Bytes that a session holds by the `Range` of an answer; `0-0` means none or one, as the specification has it. */
export function rangeEnd(answer: Answer): number {
  return Number(/^0-([0-9]+)$/.exec(String(answer.headers['range']))?.[1] ?? Number.NaN) + 1;
}

async function openSession(site: Site, repository: string, content: Content): Promise<Session> {
  site.model.watch([blobKey(repository, content.digest)]);
  const opened = await ask(site, repository, [202], { method: 'POST', path: `/v2/${repository}/blobs/uploads/` });
  const path = String(opened.headers['location']);
  const session: Session = { path, repository, content, acknowledged: 0, sent: 0, ending: 'no', busy: true };
  site.sessions.set(path, session);
  return session;
}

/** Sends what is missing in `chunks` PATCHes, what is then left with the closing PUT. */
async function finish(site: Site, session: Session, chunks: number): Promise<void> {
  const { random } = site;
  const { content } = session;
  for (let left = chunks; left > 0 && session.acknowledged < content.size; left--) {
    const rest = content.size - session.acknowledged;
    const step = left === 1 && random.chance(0.5) ? rest : 1 + random.below(rest);
    await append(site, session, Math.max(fewestBytes, session.acknowledged + step));
  }
  const body = content.bytes().subarray(session.acknowledged);
  await change(site, session.repository, 201, {
    method: 'PUT',
    path: `${session.path}?digest=${content.digest}`,
    headers: octets,
    ...(body.length === 0 ? {} : { body, pieces: 1 + random.below(3) }),
    sent: (bytes) => (session.sent = Math.max(session.sent, session.acknowledged + bytes)),
    leaving: () => (session.ending = 'finish'),
    effects: [[blobKey(session.repository, content.digest), present]],
  });
  site.sessions.delete(session.path);
}

async function append(site: Site, session: Session, end: number): Promise<void> {
  // A request before may have broken off, and the server may still be writing down how far that one came.
  for (let tries = 1; ; tries++) {
    const answer = await ask(site, session.repository, tries < 5 ? [202, 416] : [202], {
      ...chunkOf(session, end),
      pieces: 1 + site.random.below(3),
    });
    if (answer.status === 202) {
      session.acknowledged = rangeEnd(answer);
      if (session.acknowledged !== end)
        throw new Error(`${session.path} stands at ${session.acknowledged}, not ${end}`);
      return;
    }
    noteProgress(session, await ask(site, session.repository, [204], { method: 'GET', path: session.path }));
    if (session.acknowledged >= end) return;
  }
}

async function breakOff(site: Site, session: Session, bytes: number): Promise<void> {
  const request = chunkOf(session, session.content.size);
  const headers = await headersFor(site, session.repository, request);
  await site.door.breakOff({ ...request, headers }, bytes);
}

function chunkOf(session: Session, end: number): Ask {
  const { acknowledged, content } = session;
  return {
    method: 'PATCH',
    path: session.path,
    headers: { ...octets, 'content-range': `${acknowledged}-${Math.max(acknowledged, end - 1)}` },
    body: content.bytes().subarray(acknowledged, end),
    sent: (bytes) => (session.sent = Math.max(session.sent, acknowledged + bytes)),
  };
}

/** Takes over what a status answer says; throws when it is less than was acknowledged, or more than was sent. */
export function noteProgress(session: Session, answer: Answer): void {
  const end = rangeEnd(answer);
  const received = end === 1 && session.acknowledged === 0 ? 0 : end;
  if (!(received >= session.acknowledged && received <= session.sent)) {
    throw new Error(
      `${session.path} has ${received} bytes; ${session.acknowledged} were acknowledged and ${session.sent} sent`,
    );
  }
  session.acknowledged = received;
}
