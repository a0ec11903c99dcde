import { test as base } from './_test.ts';

/** `named` reaches the registry by its TLS name, `trusting` also has the private CA's certificate as its only root. */
export const test = base
  .extend('named', ({ shell, world }) => shell.with({ HTTPS_PROXY: world.proxy }))
  .extend('trusting', ({ named, world }) => named.with({ SSL_CERT_FILE: world.caFile }));
