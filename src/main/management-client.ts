import { request } from 'node:http';
import { readRunInfo } from './run-file.ts';
import { StartRefusal } from './start-refusal.ts';

/** Longest that the server may take to answer a command. */
const timeoutMs = 30_000;

/**
 * Asks the running server over its management socket; no command opens the database itself. Answers the JSON body. Throws a
 * StartRefusal with one line when no server runs on the folder, or with the server's own refusal.
 */
export async function askServer(
  folder: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const run = await readRunInfo(folder);
  if (!run) throw new StartRefusal(notRunning(folder));
  const answer = await send(run.socket, folder, method, path, body);
  const value = answer.text === '' ? {} : (JSON.parse(answer.text) as Record<string, unknown>);
  if (answer.status >= 400) {
    const error = value['error'] as { message?: string } | undefined;
    const told = error?.message ?? (typeof value['reason'] === 'string' ? value['reason'] : undefined);
    throw new StartRefusal(told ?? `the server answered ${answer.status}`);
  }
  return value;
}

function notRunning(folder: string): string {
  return `no Berth is running on ${folder}; start it with "berth up", or name another folder with --data`;
}

function send(
  socketPath: string,
  folder: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const asked = request(
      {
        socketPath,
        method,
        path,
        headers: payload === undefined ? {} : { 'content-type': 'application/json' },
        timeout: timeoutMs,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', reject);
      },
    );
    asked.on('timeout', () =>
      asked.destroy(new StartRefusal(`the server on ${folder} did not answer within ${timeoutMs / 1000} s`)),
    );
    asked.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') reject(new StartRefusal(notRunning(folder)));
      else if (error.code === 'EACCES')
        reject(new StartRefusal(`${socketPath} belongs to another user; use that user's account`));
      else reject(error);
    });
    asked.end(payload);
  });
}
