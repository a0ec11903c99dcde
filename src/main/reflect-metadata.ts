/**
 * The three functions of the Reflect metadata proposal that tsyringe, inside @peculiar/x509, asks for when it is loaded.
 * It registers classes by hand there and only looks up what it stored itself, so a map is all that it needs. Import this
 * module before @peculiar/x509. A complete implementation that is already there is left alone.
 */
interface MetadataReflect {
  getMetadata?(key: unknown, target: object): unknown;
  getOwnMetadata?(key: unknown, target: object): unknown;
  defineMetadata?(key: unknown, value: unknown, target: object): void;
}

const reflect = Reflect as MetadataReflect;

if (reflect.getMetadata === undefined) {
  const stored = new WeakMap<object, Map<unknown, unknown>>();
  reflect.getOwnMetadata = (key, target) => stored.get(target)?.get(key);
  reflect.getMetadata = (key, target) => {
    for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
      if (stored.get(at)?.has(key)) return stored.get(at)?.get(key);
    }
    return undefined;
  };
  reflect.defineMetadata = (key, value, target) => {
    const own = stored.get(target) ?? new Map<unknown, unknown>();
    stored.set(target, own.set(key, value));
  };
}
