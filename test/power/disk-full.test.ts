import { randomBytes } from 'node:crypto';
import { mkdir, open, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Answer, askSocket, digestOf } from '../start/_client.ts';
import { openScratch, until } from '../start/_program.ts';
import { openNamespace, whyNoMount } from './_namespace.ts';
import { type Ask, askAs, pushInParts, unexpected } from './_workload.ts';

const obstacle = whyNoMount();
const skipped = obstacle === undefined ? '' : ` (skipped: ${obstacle})`;
const mebibyte = 1 << 20;
const imageType = 'application/vnd.oci.image.manifest.v1+json';
const manifests = '/v2/power/app/manifests';
const blobs = '/v2/power/app/blobs';

/** Takes all that is left, to the last page. Answers how to give it back. */
async function fill(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'filler');
  const file = await open(path, 'w');
  try {
    for (const size of [65_536, 4_096, 1]) {
      const bytes = Buffer.alloc(size, 1);
      for (let isFull = false; !isFull; ) {
        isFull = await file.write(bytes).then(
          ({ bytesWritten }) => bytesWritten < size,
          (error: NodeJS.ErrnoException) => {
            if (error.code !== 'ENOSPC') throw error;
            return true;
          },
        );
      }
    }
  } finally {
    await file.close();
  }
  return () => rm(path);
}

const isFullAnswer = (answer: Answer) =>
  answer.status === 507 &&
  /no space left/.test(
    (JSON.parse(answer.body.toString()) as { errors: { message: string }[] }).errors[0]?.message ?? '',
  );

/** A pushed image as it is asked for again and again. */
async function pushImage(some: Ask, tag: string, layer: Buffer): Promise<Answer> {
  const config = Buffer.from('{}');
  for (const bytes of [config, layer]) {
    const pushed = await pushInParts(some, bytes, bytes.length > 100_000 ? 2 : 1);
    if (pushed.status !== 201) return pushed;
  }
  const described = (bytes: Buffer) => ({ digest: digestOf(bytes), size: bytes.length });
  const manifest = {
    schemaVersion: 2,
    mediaType: imageType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...described(config) },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...described(layer) }],
  };
  return some('PUT', `${manifests}/${tag}`, JSON.stringify(manifest), imageType);
}

async function expectPull(some: Ask, tag: string, layer: Buffer): Promise<void> {
  const manifest = await some('GET', `${manifests}/${tag}`);
  if (manifest.status !== 200) throw unexpected(`GET ${tag}`, manifest);
  const pulled = await some('GET', `${blobs}/${digestOf(layer)}`);
  if (pulled.status !== 200) throw unexpected('GET of its layer', pulled);
  expect(pulled.body.equals(layer)).toBe(true);
}

/** What is on the disk that fills up, and how large that disk is. Blobs elsewhere are behind a link, as people do it. */
const cases = [
  { name: 'the blobs', full: 'blobs', size: 6 * mebibyte },
  { name: 'the database', full: 'data', size: 6 * mebibyte },
  { name: 'both', full: 'both', size: 8 * mebibyte },
] as const;

describe.skipIf(obstacle !== undefined)(`a disk that is full${skipped}`, () => {
  test.each(cases)(
    'with $name on it refuses pushes, goes on reading, and recovers by itself',
    async ({ full, size }) => {
      await using scratch = await openScratch();
      const disk = join(scratch.folder, 'disk');
      const namespace = await openNamespace(scratch, [{ path: disk, size }]);
      const other = join(scratch.folder, 'other');
      const data = join(full === 'blobs' ? other : disk, 'data');
      await mkdir(other);
      let { server, ready } = await namespace.up(data);
      if (full !== 'both') {
        // The first start makes everything in one folder; then the blobs move to the other disk.
        await server.stop();
        const target = join(full === 'blobs' ? disk : other, 'blobs');
        await rm(namespace.outside(join(data, 'blobs')), { recursive: true });
        await mkdir(namespace.outside(target));
        await symlink(target, namespace.outside(join(data, 'blobs')));
        const { username, password } = ready;
        const again = await namespace.up(data);
        ({ server } = again);
        ready = {
          ...again.ready,
          ...(username === undefined ? {} : { username }),
          ...(password === undefined ? {} : { password }),
        };
      }
      const { loginServer, username = '', password = '' } = ready;
      const some = askAs({ loginServer, username, password });
      const layers = { kept: randomBytes(200_000), refused: randomBytes(1_500_000) };
      expect((await pushImage(some, 'kept', layers.kept)).status).toBe(201);

      const empty = await fill(namespace.outside(disk));
      // What was written ahead may take a few; then every push is refused, and says why.
      const refusal = await until('a refused push', async () => {
        const answer = await pushImage(some, 'refused', layers.refused);
        return answer.status === 201 ? undefined : answer;
      });
      expect(refusal.body.toString()).toMatch(/no space left/);
      expect(isFullAnswer(refusal)).toBe(true);
      for (let turn = 0; turn < 3; turn++) {
        expect(isFullAnswer(await pushImage(some, 'refused', layers.refused))).toBe(true);
        await expectPull(some, 'kept', layers.kept);
      }
      expect((await some('GET', `${manifests}/refused`)).status).toBe(404);
      expect((await some('GET', '/v2/power/app/tags/list')).body.toString()).toContain('"kept"');
      const socket = namespace.outside(join(data, 'berth.sock'));
      // Pulls are served, so it is ready; an orchestrator that took it away would end those, too.
      expect((await askSocket(socket, '/readyz')).status).toBe(200);
      expect((await askSocket(socket, '/healthz')).status).toBe(200);

      await empty();
      expect((await pushImage(some, 'refused', layers.refused)).status).toBe(201);
      await expectPull(some, 'refused', layers.refused);
      await expectPull(some, 'kept', layers.kept);
      // What the refused pushes staged is gone with them: there is room for more.
      expect((await pushImage(some, 'more', randomBytes(1_000_000))).status).toBe(201);

      expect((await server.stop()).signal).toBe(null);
      const next = await namespace.up(data);
      const later = askAs({ loginServer: next.ready.loginServer, username, password });
      await expectPull(later, 'refused', layers.refused);
      await expectPull(later, 'kept', layers.kept);
      await next.server.stop();
    },
    180_000,
  );
});
