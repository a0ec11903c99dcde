// The order matters: tsyringe looks for Reflect.getMetadata when it is loaded.
import './reflect-metadata.ts';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate with its private key, both as PEM. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** From when to when a certificate is good, Unix milliseconds. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const nameConstraintsOid = '2.5.29.30';
const serverAuthOid = '1.3.6.1.5.5.7.3.1';
/** Longest common name (RFC 5280, ub-common-name). */
const maxCommonName = 64;

/**
 * Makes a private authority: ECDSA P-256, no authorities below it, and name constraints (RFC 5280 §4.2.1.10) so that
 * whoever steals its key can make certificates for `dnsNames`, what is below them, and loopback addresses only.
 */
export async function makeAuthority(
  options: { commonName: string; dnsNames: readonly string[] } & Validity,
): Promise<KeyedCertificate> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ O: ['Berth'] }, { CN: [options.commonName.slice(0, maxCommonName)] }],
      notBefore: new Date(options.notBefore),
      notAfter: new Date(options.notAfter),
      keys,
      signingAlgorithm: algorithm,
      serialNumber: serialNumber(),
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        new Extension(nameConstraintsOid, true, permittedNames(options.dnsNames)),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return keyed(certificate, keys);
}

/** Makes a server certificate for `names` (hosts or IP addresses) under an authority. */
export async function makeServerCertificate(
  options: { authority: KeyedCertificate; names: readonly [string, ...string[]] } & Validity,
): Promise<KeyedCertificate> {
  const authority = new X509Certificate(options.authority.certificate);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    PemConverter.decodeFirst(options.authority.privateKey),
    algorithm,
    false,
    ['sign'],
  );
  const keys = await makeKeys();
  const [commonName] = options.names;
  const certificate = await X509CertificateGenerator.create(
    {
      subject: [{ O: ['Berth'] }, ...(canBeCommonName(commonName) ? [{ CN: [commonName] }] : [])],
      issuer: authority.subjectName,
      notBefore: new Date(options.notBefore),
      notAfter: new Date(options.notAfter),
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      serialNumber: serialNumber(),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([serverAuthOid]),
        new SubjectAlternativeNameExtension(
          options.names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name })),
        ),
        await AuthorityKeyIdentifierExtension.create(authority.publicKey),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return keyed(certificate, keys);
}

/** OpenSSL holds an address that stands as common name against the constraints on host names, and refuses it. */
function canBeCommonName(name: string): boolean {
  return name.length <= maxCommonName && isIP(name) === 0;
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** 127 random bits that are a positive number in DER. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function keyed(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<KeyedCertificate> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  };
}

/** `NameConstraints ::= SEQUENCE { permittedSubtrees [0] }`: the names, 127.0.0.0/8 and ::1/128, each with its mask. */
function permittedNames(dnsNames: readonly string[]): Uint8Array<ArrayBuffer> {
  const addresses = [
    [127, 0, 0, 0, 255, 0, 0, 0],
    [...Array.from({ length: 15 }, () => 0), 1, ...Array.from({ length: 16 }, () => 0xff)],
  ];
  const subtrees = [
    ...dnsNames.map((name) => der(0x30, der(0x82, Buffer.from(name, 'ascii')))),
    ...addresses.map((address) => der(0x30, der(0x87, Uint8Array.from(address)))),
  ];
  return der(0x30, der(0xa0, ...subtrees));
}

/** One DER element: tag, length, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Uint8Array.from([...head, ...content]);
}
