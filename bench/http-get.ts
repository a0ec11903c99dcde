import { once } from 'node:events';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { text } from 'node:stream/consumers';

export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** One GET outside a measurement, on a connection of its own. `ca` are the certificates to trust; fetch takes none. */
export async function getOnce(
  url: URL | string,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly ca?: string | undefined } = {},
): Promise<Got> {
  const { protocol } = new URL(url);
  const common = { headers: { ...options.headers }, agent: false };
  const request =
    protocol === 'https:'
      ? tlsRequest(url, { ...common, ...(options.ca !== undefined && { ca: options.ca }) })
      : plainRequest(url, common);
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}
