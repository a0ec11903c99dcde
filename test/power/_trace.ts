import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyPorts, launcher, type Running, type Scratch } from '../start/_program.ts';

/** A system call that succeeded. `begin` and `end` are places in one order of all threads. */
export interface Call {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
  /** Between the parentheses; strings as they stood there, without their quotes. */
  readonly args: readonly Argument[];
  readonly result: string;
}

export interface Argument {
  /** The argument as strace wrote it, strings left out. */
  readonly plain: string;
  /** The bytes of its strings, one after the other. */
  readonly bytes: Buffer;
  /** The path or socket behind a descriptor. */
  readonly target: string;
}

const traced =
  'openat write writev pwrite64 pwritev pwritev2 sendto sendmsg sendfile copy_file_range ftruncate fallocate fsync ' +
  'fdatasync rename renameat renameat2 link linkat unlink unlinkat rmdir mkdir mkdirat';

/** Why no server can be traced here; undefined when one can. */
export function whyNoTrace(): string | undefined {
  if (process.platform !== 'linux') return 'strace is for Linux';
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    return `strace does not run here: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** `berth up` under strace, on the scratch's data folder. */
export function upTraced(scratch: Scratch): { server: Running; calls: () => Promise<Call[]> } {
  const file = join(scratch.folder, 'trace');
  const options = [
    '-f',
    '-yy',
    '-s',
    '4194304',
    '-o',
    file,
    '-e',
    `trace=${traced.replaceAll(' ', ',')}`,
    '-e',
    'signal=none',
  ];
  const program = [process.execPath, launcher, 'up', '--json', '--data', scratch.data, ...anyPorts];
  const server = scratch.start('strace', [...options, ...program]);
  return { server, calls: async () => parseTrace(await readFile(file, 'latin1')) };
}

/** Reads a trace. Calls that failed or never returned are left out. */
export function parseTrace(trace: string): Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, { text: string; begin: number }>();
  for (const [index, text] of trace.split('\n').entries()) {
    const [, thread, line] = /^([0-9]+) +(.*)$/s.exec(text) ?? [];
    if (thread === undefined || line === undefined) continue;
    if (line.endsWith(' <unfinished ...>')) {
      unfinished.set(thread, { text: line.slice(0, -' <unfinished ...>'.length), begin: index });
      continue;
    }
    const resumed = /^<\.\.\. [a-z0-9_]+ resumed>(.*)$/s.exec(line)?.[1];
    const earlier = resumed === undefined ? undefined : unfinished.get(thread);
    const call = parseCall(`${earlier?.text ?? ''}${resumed ?? line}`);
    if (call) calls.push({ ...call, begin: earlier?.begin ?? index, end: index });
  }
  return calls;
}

function parseCall(line: string): Omit<Call, 'begin' | 'end'> | undefined {
  const name = /^([a-z0-9_]+)\(/.exec(line)?.[1];
  if (name === undefined) return undefined;
  const args: Argument[] = [];
  let plain = '';
  let bytes: Buffer[] = [];
  let depth = 0;
  let at = name.length + 1;
  const endArgument = () => {
    const target = /^[^<]*<(.*)>$/.exec(plain.trim())?.[1] ?? '';
    args.push({ plain: plain.trim(), bytes: Buffer.concat(bytes), target });
    plain = '';
    bytes = [];
  };
  for (; at < line.length; at++) {
    const char = line[at];
    if (char === '"') {
      const end = endOfString(line, at + 1);
      bytes.push(unescape(line.slice(at + 1, end)));
      at = end;
      if (line.startsWith('...', at + 1)) throw new Error(`a string of ${name} was cut by strace`);
    } else if (char === ')' && depth === 0) break;
    else if (char === ',' && depth === 0) endArgument();
    else {
      // Also the brackets inside `<TCP:[a->b]>` are pairs; the arrow is not.
      if (char === '[' || char === '{' || char === '(' || char === '<') depth += 1;
      if (char === ']' || char === '}' || char === ')' || (char === '>' && line[at - 1] !== '-')) depth -= 1;
      plain += char;
    }
  }
  endArgument();
  const result = /^\)\s+= (.*)$/s.exec(line.slice(at))?.[1];
  return result === undefined || result.startsWith('-1') || result.startsWith('?') ? undefined : { name, args, result };
}

function endOfString(line: string, from: number): number {
  let at = from;
  while (line[at] !== '"') {
    if (at >= line.length) throw new Error('a string in the trace has no end');
    at += line[at] === '\\' ? 2 : 1;
  }
  return at;
}

const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 };

/** Strings are written as in C: `\n`, `\"`, one to three octal digits. */
function unescape(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\') {
      bytes[length++] = text.charCodeAt(at);
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4))?.[0];
    if (octal === undefined) {
      const value = escapes[text[at + 1] ?? ''];
      if (value === undefined) throw new Error(`strace wrote an escape that is not known: ${text.slice(at, at + 4)}`);
      bytes[length++] = value;
      at += 1;
    } else {
      bytes[length++] = Number.parseInt(octal, 8);
      at += octal.length;
    }
  }
  return bytes.subarray(0, length);
}
