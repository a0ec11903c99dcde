import { pump } from '../../../http/index.ts';
import { etagMatches, ifRangeMatches, parseDigest, parseRange } from '../../../kernel/index.ts';
import type { RepositoryCall } from '../call.ts';

/** `GET|HEAD /v2/<name>/blobs/<digest>` with ranges and conditions (distribution-spec, "Pulling blobs"; RFC 9110 §13, §14). */
export async function getBlob(call: RepositoryCall): Promise<void> {
  const { exchange, services, registry, repository } = call;
  const digest = parseDigest(call.parameters['digest'] ?? '');
  const isHead = exchange.method === 'HEAD';
  const found = isHead
    ? await services.blobs.promise(registry, repository, digest)
    : await services.blobs.find(registry, repository, digest);
  const etag = `"${digest}"`;
  const headers = {
    'docker-content-digest': digest,
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    etag,
  };
  if (etagMatches(exchange.header('if-none-match'), etag)) {
    exchange.send(304, headers);
    return;
  }
  if (isHead) {
    exchange.send(200, { ...headers, 'content-length': found.size });
    return;
  }
  const asked = exchange.header('range');
  const range =
    asked !== undefined && ifRangeMatches(exchange.header('if-range'), etag) ? parseRange(asked, found.size) : 'whole';
  if (range === 'unsatisfiable') {
    exchange.sendJson(
      416,
      {
        errors: [
          { code: 'SIZE_INVALID', message: `the blob has ${found.size} bytes; the range lies outside`, detail: null },
        ],
      },
      { 'content-range': `bytes */${found.size}` },
    );
    return;
  }
  const start = range === 'whole' ? 0 : range.start;
  const end = range === 'whole' ? found.size - 1 : range.end;
  const source = await found.open();
  const status = range === 'whole' ? 200 : 206;
  const full = {
    ...headers,
    'content-length': end - start + 1,
    ...(range === 'whole' ? {} : { 'content-range': `bytes ${start}-${end}/${found.size}` }),
  };
  if ('bytes' in source) {
    exchange.send(status, full, source.bytes.subarray(start, end + 1));
    return;
  }
  try {
    exchange.sendHead(status, full);
    await pump(source.reader, exchange.response, { start, end, pool: services.buffers });
    exchange.response.end();
  } finally {
    await source.reader.close();
  }
}

/** `DELETE /v2/<name>/blobs/<digest>` (distribution-spec, "Deleting Blobs"). */
export async function deleteBlob(call: RepositoryCall): Promise<void> {
  const digest = parseDigest(call.parameters['digest'] ?? '');
  await call.services.blobs.remove(call.context, call.registry, call.repository, digest);
  call.exchange.send(202, { 'docker-content-digest': digest });
}
