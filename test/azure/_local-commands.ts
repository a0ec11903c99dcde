/** Commands that act on the client's machine alone, and ask nothing of Berth. */
export const localCommands: ReadonlySet<string> = new Set([
  'account clear',
  'account list',
  'account set',
  'account show',
  'cloud list',
  'cloud list-profiles',
  'cloud set',
  'cloud show',
  'cloud unregister',
  'logout',
]);

/** Commands that no test runs, and why. */
export const commandsNotRun: Readonly<Record<string, string>> = {
  'acr helm install-cli': 'acts on this machine alone: it downloads helm from its makers',
  'acr helm repo add':
    'hands the address /helm/v1 of the registry to the helm of this machine; there is no such repository, as `az acr helm list` hears',
};
