import { etagMatches, Fault, parseReference, parseTag } from '../../../kernel/index.ts';
import { maxTagsOfPut } from '../../manifests.ts';
import type { RepositoryCall } from '../call.ts';
import { fixedHeaders } from '../common-headers.ts';

/** `GET|HEAD /v2/<name>/manifests/<reference>` (distribution-spec, "Pulling manifests"). Never converted. */
export async function getManifest(call: RepositoryCall): Promise<void> {
  const { exchange, services, registry, repository } = call;
  const reference = parseReference(call.parameters['reference'] ?? '');
  const found = await services.manifests.find(registry, repository, reference, { pulled: exchange.method === 'GET' });
  const etag = `"${found.digest}"`;
  if (etagMatches(exchange.header('if-none-match'), etag)) {
    exchange.send(304, { 'docker-content-digest': found.digest, etag, vary: 'Accept' });
    return;
  }
  const lines = [
    'docker-content-digest',
    found.digest,
    'etag',
    etag,
    'vary',
    'Accept',
    'content-type',
    found.mediaType,
    'content-length',
    String(found.size),
  ];
  const body = exchange.method === 'HEAD' ? undefined : await found.bytes();
  services.answers.keep(exchange, call.begun, {
    registry,
    route: 'v2.manifest.get',
    facts: { ...exchange.facts },
    status: 200,
    lines: [...fixedHeaders(exchange), ...lines],
    body,
    pulled: exchange.method === 'HEAD' ? null : found.id,
    expiresAt: call.principal.expiresAt,
  });
  exchange.sendLines(200, [...exchange.always, ...lines], body);
}

/** `PUT /v2/<name>/manifests/<reference>` (distribution-spec, "Pushing Manifests"; `?tag=` as in its main branch). */
export async function putManifest(call: RepositoryCall): Promise<void> {
  const { exchange, services, registry, repository } = call;
  const reference = parseReference(call.parameters['reference'] ?? '');
  const asked = exchange.query.getAll('tag');
  if (asked.length > maxTagsOfPut) throw new Fault('tag-invalid', `one push sets at most ${maxTagsOfPut} tags`);
  if (asked.length > 0 && reference.tag !== undefined) {
    throw new Fault('tag-invalid', 'the "tag" parameter goes with a digest in the path, not with a tag');
  }
  const tags = asked.map(parseTag);
  const bytes = await exchange.readBody(
    services.manifestBytes,
    () => new Fault('manifest-too-large', `a manifest has at most ${services.manifestBytes} bytes`),
  );
  const contentType = exchange.header('content-type') ?? null;
  const { digest, subject } = await services.manifests.put(call.context, registry, repository, {
    reference,
    tags,
    contentType,
    bytes,
  });
  exchange.send(201, {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject === null ? {} : { 'oci-subject': subject }),
    ...(tags.length === 0 ? {} : { 'oci-tag': [...tags] }),
  });
}

/** `DELETE /v2/<name>/manifests/<reference>` (distribution-spec, "Deleting tags", "Deleting Manifests"). */
export async function deleteManifest(call: RepositoryCall): Promise<void> {
  const reference = parseReference(call.parameters['reference'] ?? '');
  await call.services.manifests.remove(call.context, call.registry, call.repository, reference);
  call.exchange.send(202);
}
