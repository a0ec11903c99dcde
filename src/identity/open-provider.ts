import type { Exchange } from '../http/index.ts';
import type { ProviderServices } from './provider/call.ts';
import { backOff } from './sessions/back-off.ts';

/** What the identity provider is opened with. */
export interface IdentityProviderOptions extends Omit<ProviderServices, 'backOff' | 'formSeal'> {
  /** Secret that seals the forms of the pages. */
  readonly formKey: Uint8Array;
  readonly monotonic: () => number;
  /** Hears of bugs. */
  readonly failed: (exchange: Exchange, error: unknown) => void;
}

/** Opens the identity provider: what answers every request to its host. A start that needs none does not load it. */
export async function openIdentityProvider(
  options: IdentityProviderOptions,
): Promise<(exchange: Exchange) => Promise<void>> {
  const { formKey, monotonic, failed, ...services } = options;
  const [{ identityProvider }, { formSeal }] = await Promise.all([
    import('./provider/provider.ts'),
    import('./provider/form-seal.ts'),
  ]);
  return identityProvider({
    services: {
      ...services,
      backOff: backOff({ monotonic }),
      formSeal: formSeal({ key: formKey, clock: services.clock }),
    },
    failed,
  });
}
