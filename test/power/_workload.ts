import { randomBytes } from 'node:crypto';
import { type Account, type Answer, ask, basic, digestOf } from '../start/_client.ts';

/** Speaks to one server as its admin user. */
export type Ask = (method: string, path: string, body?: Uint8Array | string, type?: string) => Promise<Answer>;

/** Something that a server acknowledged, and how to see that it holds. */
export interface Acknowledged {
  /** Id of the answer, as it stands in its headers. */
  readonly requestId: string;
  readonly status: number;
  /** Of one name the last one counts. */
  readonly name: string;
  readonly holds: (some: Ask) => Promise<void>;
}

export function askAs(account: Account): Ask {
  const authorization = basic(account.username, account.password);
  return (method, path, body, type = 'application/octet-stream') =>
    ask(account.loginServer, path, {
      method,
      headers: { authorization, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    });
}

/** A server's answer that was not the one hoped for. */
export function unexpected(what: string, { status, body }: Answer): Error {
  return new Error(`${what} was answered with ${status}: ${body.toString().slice(0, 300)}`);
}

const repository = 'power/app';
const blobs = `/v2/${repository}/blobs`;
const manifests = `/v2/${repository}/manifests`;
const imageType = 'application/vnd.oci.image.manifest.v1+json';

export const workloadBytes = { large: 300_000, small: 2 } as const;

/** Pushes a blob in several requests; answers the last answer, or the first that is no success. */
export async function pushInParts(some: Ask, bytes: Buffer, parts: number): Promise<Answer> {
  const started = await some('POST', `${blobs}/uploads/`);
  if (started.status !== 202) return started;
  let location = started.headers['location'] ?? '';
  for (let part = 0; part < parts; part++) {
    const from = Math.floor((bytes.length * part) / parts);
    const to = Math.floor((bytes.length * (part + 1)) / parts);
    const patched = await some('PATCH', pathOf(location), bytes.subarray(from, to));
    if (patched.status !== 202) return patched;
    location = patched.headers['location'] ?? '';
  }
  return some('PUT', `${pathOf(location)}${location.includes('?') ? '&' : '?'}digest=${digestOf(bytes)}`);
}

function pathOf(location: string): string {
  const { pathname, search } = new URL(location, 'http://localhost');
  return `${pathname}${search}`;
}

/**
 * Pushes and deletes, one request after the other. After each request it says what was acknowledged, and before one that
 * undoes something, what is open until its answer.
 */
export async function runWorkload(
  some: Ask,
  told: { acknowledged(what: Acknowledged): void; begins(name: string): void },
): Promise<void> {
  const config = Buffer.from('{}');
  const layers = [randomBytes(workloadBytes.large), randomBytes(120_000)] as const;
  const tell = (name: string, answer: Answer, wanted: number, holds: (later: Ask) => Promise<void>) => {
    if (answer.status !== wanted) throw unexpected(name, answer);
    const requestId = String(answer.headers['x-ms-correlation-request-id']);
    told.acknowledged({ requestId, status: wanted, name, holds });
  };
  const there = (path: string, bytes: Buffer) => async (later: Ask) => {
    const found = await later('GET', path);
    if (found.status !== 200 || !found.body.equals(bytes)) throw unexpected(`GET ${path}`, found);
  };
  const gone = (path: string) => async (later: Ask) => {
    const found = await later('GET', path);
    if (found.status !== 404) throw unexpected(`GET ${path}`, found);
  };
  const blob = (bytes: Buffer) => there(`${blobs}/${digestOf(bytes)}`, bytes);
  const whole = (bytes: Buffer) => some('POST', `${blobs}/uploads/?digest=${digestOf(bytes)}`, bytes);
  const image = (layer: Buffer, note: string) =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: imageType,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...described(config) },
        layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...described(layer) }],
        annotations: { note },
      }),
    );
  const [first, second] = [image(layers[0], 'first'), image(layers[1], 'second')];

  tell('large blob', await pushInParts(some, layers[0], 3), 201, blob(layers[0]));
  tell('config', await whole(config), 201, blob(config));
  tell('image v1', await some('PUT', `${manifests}/v1`, first, imageType), 201, there(`${manifests}/v1`, first));
  tell('second blob', await whole(layers[1]), 201, blob(layers[1]));
  tell('again', await pushInParts(some, layers[1], 1), 201, blob(layers[1]));
  tell('image v2', await some('PUT', `${manifests}/v2`, second, imageType), 201, there(`${manifests}/v2`, second));
  told.begins('image v1');
  tell('image v1', await some('PUT', `${manifests}/v1`, second, imageType), 201, there(`${manifests}/v1`, second));
  told.begins('image v1');
  const untagged = await some('DELETE', `/acr/v1/${repository}/_tags/v1`);
  tell('image v1', untagged, 202, gone(`${manifests}/v1`));
  told.begins('first manifest');
  const removed = await some('DELETE', `${manifests}/${digestOf(first)}`);
  tell('first manifest', removed, 202, gone(`${manifests}/${digestOf(first)}`));
  told.begins('large blob');
  const deleted = await some('DELETE', `${blobs}/${digestOf(layers[0])}`);
  tell('large blob', deleted, 202, gone(`${blobs}/${digestOf(layers[0])}`));
  tell('large blob', await pushInParts(some, layers[0], 2), 201, blob(layers[0]));
}

function described(bytes: Buffer) {
  return { digest: digestOf(bytes), size: bytes.length };
}
