/** Counts calls to ports and makes one of them fail. Several adapters may share a plan: they count together. */
export interface FaultPlan {
  /** Runs a call, or fails with what `failure` makes: instead of the call, or after it took effect. */
  step<T>(call: () => Promise<T>, failure: () => Error): Promise<T>;
  /** True once the planned call came and failed. */
  fired(): boolean;
}

/** A plan in which call number `nth`, counted from 1, fails. Afterwards everything works again. */
export function faultPlan(plan: { readonly nth: number; readonly when: 'before' | 'after' }): FaultPlan {
  let calls = 0;
  return {
    async step(call, failure) {
      calls += 1;
      if (calls !== plan.nth) return call();
      if (plan.when === 'after') await call();
      throw failure();
    },
    fired: () => calls >= plan.nth,
  };
}
