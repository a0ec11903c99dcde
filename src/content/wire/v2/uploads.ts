import { identityOf, repositoryActions, rightsOn } from '../../../identity/index.ts';
import {
  type Digest,
  Fault,
  parseContentRange,
  parseDigest,
  parseDigestAlgorithm,
  parseRepositoryName,
} from '../../../kernel/index.ts';
import type { SessionKey } from '../../upload-sessions.ts';
import type { UploadBody } from '../../uploads.ts';
import type { RepositoryCall } from '../call.ts';

/**
 * `POST /v2/<name>/blobs/uploads/`: mounts (`?mount=`, with or without `from`), takes a whole blob (`?digest=`), or opens a
 * session (distribution-spec, "Pushing blobs", "Mounting a blob from another repository").
 */
export async function startUpload(call: RepositoryCall): Promise<void> {
  const { exchange, services, registry, repository } = call;
  const mount = exchange.query.get('mount');
  if (mount !== null) {
    const digest = parseDigest(mount);
    const from = exchange.query.get('from');
    const mounted = await services.blobs.mount(registry, repository, digest, {
      from: from === null || from === '' ? null : parseRepositoryName(from),
      mayRead: (name) => (rightsOn(call.principal, name) & repositoryActions['content/read'].bit) !== 0,
    });
    if (mounted) {
      sendCreated(call, digest);
      return;
    }
  }
  const digest = exchange.query.get('digest');
  const where = { registry, repository, identity: identityOf(call.principal) };
  if (digest !== null && mount === null) {
    const parsed = parseDigest(digest);
    await services.uploads.whole(where, bodyOf(call), parsed);
    sendCreated(call, parsed);
    return;
  }
  const algorithm = parseDigestAlgorithm(exchange.query.get('digest-algorithm') ?? 'sha256');
  const id = await services.uploads.start(where, algorithm);
  sendProgress(call, 202, id, 0);
}

/** `GET /v2/<name>/blobs/uploads/<id>`: how far the session has come. */
export async function getUpload(call: RepositoryCall): Promise<void> {
  const session = sessionOf(call);
  const { received } = await call.services.uploads.status(session);
  sendProgress(call, 204, session.id, received);
}

/** `PATCH /v2/<name>/blobs/uploads/<id>`: the next chunk. */
export async function appendUpload(call: RepositoryCall): Promise<void> {
  const session = sessionOf(call);
  const { received } = await call.services.uploads.append(session, bodyOf(call));
  sendProgress(call, 202, session.id, received);
}

/** `PUT /v2/<name>/blobs/uploads/<id>?digest=`: the last chunk, if any, and the end. */
export async function finishUpload(call: RepositoryCall): Promise<void> {
  const asked = call.exchange.query.get('digest');
  if (asked === null) throw new Fault('digest-invalid', 'the closing PUT needs the parameter "digest"');
  const digest = parseDigest(asked);
  await call.services.uploads.finish(sessionOf(call), bodyOf(call), digest);
  sendCreated(call, digest);
}

/** `DELETE /v2/<name>/blobs/uploads/<id>`: gives the session up. */
export async function cancelUpload(call: RepositoryCall): Promise<void> {
  await call.services.uploads.cancel(sessionOf(call));
  call.exchange.send(204);
}

/** Where a session stands, in the form of upload answers. `Range` ends at the last byte held, and is `0-0` for none. */
export function progressHeaders(repository: string, id: string, received: number): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(0, received - 1)}`,
    'docker-upload-uuid': id,
  };
}

function sendProgress(call: RepositoryCall, status: number, id: string, received: number): void {
  call.exchange.send(status, progressHeaders(call.repository, id, received));
}

function sendCreated(call: RepositoryCall, digest: Digest): void {
  call.exchange.send(201, {
    location: `/v2/${call.repository}/blobs/${digest}`,
    'docker-content-digest': digest,
  });
}

function sessionOf(call: RepositoryCall): SessionKey {
  const { registry, repository, principal, parameters } = call;
  return { registry, repository, identity: identityOf(principal), id: parameters['id'] ?? '' };
}

function bodyOf(call: RepositoryCall): UploadBody {
  const { exchange } = call;
  const length = exchange.header('content-length');
  const range = exchange.header('content-range');
  const chunked = exchange.header('transfer-encoding') !== undefined;
  return {
    stream: () => exchange.body(),
    length: chunked ? null : Number(length ?? 0),
    range: range === undefined || range === '' ? null : parseContentRange(range),
  };
}
