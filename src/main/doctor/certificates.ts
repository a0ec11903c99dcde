import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { type Finding, fail, ok, problemOf, warn } from './finding.ts';

const day = 86_400_000;
/** A served certificate is renewed this long before its end, so less means that the renewal does not work. */
const warnDays = 30;
/** A new authority must be trusted by every client, which takes longer to arrange. */
const warnAuthorityDays = 90;
const withinMs = 10_000;

/** Dates of the authority in `ca.pem`. `now` is Unix milliseconds. */
export function checkAuthority(pem: string, now: number): Finding {
  const name = 'authority';
  const certificate = new X509Certificate(pem);
  const cure = 'remove ca.pem from the data folder and start again: a new authority is made, which clients must trust';
  const end = certificate.validToDate.getTime();
  if (now < certificate.validFromDate.getTime()) {
    return fail(name, `is not valid before ${date(certificate.validFromDate)}`, 'set the clock of this machine right');
  }
  if (now >= end) return fail(name, `ended on ${date(certificate.validToDate)}`, cure);
  const left = Math.floor((end - now) / day);
  const found = `${certificate.subject.replaceAll('\n', ', ')}, good until ${date(certificate.validToDate)}`;
  // The server refuses to start in its last 30 days.
  return left < warnAuthorityDays ? warn(name, `${found}, ${left} days`, cure) : ok(name, found);
}

/** The chain that a TLS listener serves for a host, held against the authority, the name and the dates. */
export async function checkServed(where: {
  host: string;
  port: number;
  servername: string;
  ca: string;
  now: number;
}): Promise<Finding> {
  const name = `certificate ${where.servername}`;
  const socket = connect({ host: where.host, port: where.port, servername: where.servername, ca: where.ca });
  const late = setTimeout(() => socket.destroy(new Error('no handshake within 10 s')), withinMs);
  try {
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate();
    if (!certificate) return fail(name, 'none was sent', 'look at the log of the server');
    const left = Math.floor((certificate.validToDate.getTime() - where.now) / day);
    const found = `${certificate.subjectAltName ?? 'no names'}, good until ${date(certificate.validToDate)}`;
    return left < warnDays
      ? warn(name, `${found}, ${left} days`, 'look in the log why it is not renewed, and start again')
      : ok(name, found);
  } catch (error) {
    return fail(name, problemOf(error), cureOf(error));
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

function cureOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return 'set the clock of this machine right; when it is right, start Berth again, which makes a new certificate';
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'another program answers on this port, or the domain was changed';
  if (code.includes('CERT') || code.includes('SIGNED') || code.startsWith('UNABLE_TO')) {
    return 'another program answers on this port, or ca.pem was replaced while Berth ran; start it again';
  }
  return 'look at the log of the server';
}

function date(at: Date): string {
  return at.toISOString().slice(0, 10);
}
