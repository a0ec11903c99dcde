import type { CustomTypesConfig } from 'pg';

/** How columns become `SqlValue`s, by type oid (`select oid, typname from pg_type`); any other type stays text. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => (text === 't' ? 1 : 0), // bool: comparisons answer 0 and 1 on both engines
  17: bytes, // bytea
  20: wholeNumber, // int8
  21: wholeNumber, // int2
  23: wholeNumber, // int4
  1700: wholeNumber, // numeric: what sum() makes of bigint
};

/** Type configuration of every connection. */
export const valueTypes: CustomTypesConfig = {
  getTypeParser: ((oid: number) => parsers[oid] ?? String) as CustomTypesConfig['getTypeParser'],
};

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a number read from the database is not a safe whole number');
  return value;
}

function bytes(text: string): Uint8Array {
  if (!text.startsWith('\\x')) throw new TypeError('bytea_output of the server is not "hex"');
  const buffer = Buffer.from(text.slice(2), 'hex');
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
