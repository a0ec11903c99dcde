import type { Refusal } from '../content/index.ts';

type Answer = Record<string, unknown>;

/** `berth why <id>` for people. */
export function refusalLines(answer: Answer): string[] {
  const one = answer as unknown as Refusal;
  const what = [one.repository, one.reference].filter((part) => part !== '').join(' ');
  const rows: [string, string][] = [
    ['request', one.id],
    ['time', new Date(one.at).toISOString()],
    ['registry', one.registry],
    ['from', `${one.address} by listener ${one.listener}`],
    ['who', one.actor === '' ? 'nobody known' : one.actor],
    ['signed in by', one.signedIn],
    ['did', `${one.operation} (${one.method})${what === '' ? '' : ` on ${what}`}`],
    ['wanted', one.wanted.join(', ')],
    ['answer', String(one.status)],
    ['rule', one.rule],
    ['because', one.because],
    ['to allow it', one.cure],
  ];
  return rows.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(14)} ${value}`);
}

/** `berth why --last` for people: a line each. */
export function refusalList(answer: Answer): string[] {
  const lines = (answer['refusals'] as Refusal[]).map(summary);
  return lines.length === 0 ? ['nothing was refused'] : lines;
}

function summary(one: Refusal): string {
  const columns = [new Date(one.at).toISOString(), one.id, String(one.status), one.registry, one.rule.padEnd(24)];
  return [...columns, one.actor, one.because].filter((column) => column !== '').join('  ');
}
