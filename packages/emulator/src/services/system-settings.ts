import { ObjectPathError, parseObjectPath } from "@signet/wsman";
import { templateById } from "@signet/secure-boot/trust";
import type { CimInstance } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import { generationOf, type MachineConfiguration, type Values } from "../host/machine-record.ts";
import { settingsClass, subTypePrefix } from "../host/new-machine.ts";
import { changedValues, readSettings, sameButForCase } from "./read-settings.ts";
import { invalidParameter, invalidState, Refusal } from "../host/refusal.ts";
import { keyOf } from "./targets.ts";

/** Told by the host, never by a client; echoes are taken, changes refused. */
const readOnly: ReadonlySet<string> = new Set([
  "InstanceID", "VirtualSystemIdentifier", "VirtualSystemType", "CreationTime", "ConfigurationID", "ConfigurationFile", "GuestStateFile", "Parent", "IsSaved", "IsAutomaticSnapshot", "Caption", "Description", "AdditionalRecoveryInformation",
]);
const setOnce: ReadonlySet<string> = new Set(["VirtualSystemSubType", "Version", "Architecture"]);
/** What may be changed while the machine is on, saved or paused. */
const liveProperties: ReadonlySet<string> = new Set([
  "ElementName", "Notes", "AutomaticStartupAction", "AutomaticStartupActionDelay", "AutomaticStartupActionSequenceNumber", "AutomaticShutdownAction", "AutomaticRecoveryAction", "AutomaticCriticalErrorAction", "AutomaticCriticalErrorActionTimeout",
  "AutomaticSnapshotsEnabled", "UserSnapshotType", "SnapshotDataRoot", "LockOnDisconnect", "EnhancedSessionTransportType", "IncrementalBackupEnabled", "AllowReducedFcRedundancy", "PauseAfterBootFailure",
]);
const secureBootProperties: ReadonlySet<string> = new Set(["SecureBootEnabled", "SecureBootTemplateId"]);
// Documented: a name of up to 100 characters.
const nameCharactersMax = 100;

/** Values that a property may take, where Hyper-V's documentation bounds them. */
const allowed: Readonly<Record<string, readonly number[]>> = {
  AutomaticStartupAction: [2, 3, 4], AutomaticShutdownAction: [2, 3, 4], AutomaticRecoveryAction: [2, 3, 4], AutomaticCriticalErrorAction: [0, 1], UserSnapshotType: [2, 3, 4, 5], ConsoleMode: [0, 1, 2, 3],
  NetworkBootPreferredProtocol: [4096, 4097], DebugPortEnabled: [0, 1, 2],
};
// Documented in MB; a client that gives bytes is told so.
const mmioGapMegabytes = { low: 128, high: 3584 } as const;

/** Settings of a machine that is being defined. `base` are the defaults for its generation. */
export function definedSettings(host: Host, base: Values, instance: CimInstance): Values {
  const given = readSettings(host, instance, settingsClass);
  for (const name of readOnly) delete given[name];
  const version = given["Version"];
  if (typeof version === "string" && version !== "" && !host.release.configurationVersions.includes(version)) throw invalidParameter(`The configuration version ${version} is not supported; this host supports ${host.release.configurationVersions.join(", ")}.`);
  if (version === "") delete given["Version"];
  delete given["BootSourceOrder"];
  checkValues(host, given, base);
  return normalised({ ...base, ...given });
}

export interface ChangedSettings {
  readonly settings: Values;
  readonly bootDevices: readonly string[];
}

/**
 * Settings of a machine after a change.
 * @throws Refusal for what is read-only, what the machine's state forbids, and what is not valid
 */
export function modifiedSettings(host: Host, configuration: MachineConfiguration, isOff: boolean, instance: CimInstance): ChangedSettings {
  const given = readSettings(host, instance, settingsClass);
  const order = bootOrder(configuration, given["BootSourceOrder"]);
  // Both are told by other things than the settings themselves; an echo of them says nothing.
  delete given["BootSourceOrder"];
  delete given["Parent"];
  const changed = changedValues(configuration.settings, given);
  for (const [name, value] of Object.entries(changed)) {
    const echo = sameButForCase(configuration.settings[name] ?? null, value);
    if (echo) delete changed[name];
    else if (readOnly.has(name) || setOnce.has(name)) throw invalidParameter(`${name} cannot be changed.`);
  }
  const orderChanged = order.some((id, index) => id !== configuration.bootDevices[index]);
  if (!isOff) checkLive(host, changed, orderChanged);
  checkValues(host, changed, configuration.settings);
  return { settings: normalised({ ...configuration.settings, ...changed }), bootDevices: order };
}

function checkLive(host: Host, changed: Values, orderChanged: boolean): void {
  if (orderChanged && host.uncertainties.bootOrderWhileRunning === "refuse") throw invalidState("The boot order can be changed only while the machine is off.");
  const refused = Object.keys(changed).find((name) => !liveProperties.has(name));
  if (refused === undefined) return;
  const refusal = invalidState(`${refused} can be changed only while the machine is off.`);
  if (secureBootProperties.has(refused) && host.uncertainties.secureBootWhileRunning === "job") throw new Refusal(refusal.code, refusal.message, "job");
  throw refusal;
}

function checkValues(host: Host, given: Values, present: Values): void {
  for (const [name, values] of Object.entries(allowed)) {
    if (given[name] !== undefined && !values.includes(Number(given[name]))) throw invalidParameter(`${name} is ${String(given[name])}; it takes ${values.join(", ")}.`);
  }
  const name = given["ElementName"];
  if (typeof name === "string" && (name === "" || name.length > nameCharactersMax)) throw invalidParameter(`A name has 1 to ${nameCharactersMax} characters.`);
  const gap = given["LowMmioGapSize"];
  if (gap !== undefined && (Number(gap) < mmioGapMegabytes.low || Number(gap) > mmioGapMegabytes.high)) throw invalidParameter(`LowMmioGapSize is ${String(gap)}; it takes ${mmioGapMegabytes.low} to ${mmioGapMegabytes.high} megabytes.`);
  checkSecureBoot(host, given, present);
}

function checkSecureBoot(host: Host, given: Values, present: Values): void {
  const generation = generationOf({ settings: { ...present, ...given }, devices: [], bootDevices: [] });
  if (given["SecureBootEnabled"] === true && generation === 1) {
    throw new Refusal(host.uncertainties.secureBootOnGeneration1Code, "Secure Boot needs a machine of generation 2.");
  }
  const template = given["SecureBootTemplateId"];
  if (typeof template === "string" && template !== "" && !host.release.templates.some(({ id }) => id === bareGuid(template))) {
    const name = templateById(template)?.name;
    throw invalidParameter(`This host has no Secure Boot template ${template}${name === undefined ? "" : ` (${name})`}.`);
  }
}

function normalised(settings: Values): Values {
  const template = settings["SecureBootTemplateId"];
  return typeof template === "string" ? { ...settings, SecureBootTemplateId: bareGuid(template) } : settings;
}

function bareGuid(text: string): string {
  return text.trim().replace(/^\{|\}$/g, "").toLowerCase();
}

/** The generation that settings ask for; without a subtype it is 1, as libvirt relies on. @throws Refusal */
export function generationAsked(instance: CimInstance): 1 | 2 {
  const property = Object.entries(instance.properties).find(([name]) => name.toLowerCase() === "virtualsystemsubtype")?.[1];
  const text = property === undefined || property.value === null ? "" : String(property.value).toLowerCase();
  if (text === "" || text === `${subTypePrefix}1`.toLowerCase()) return 1;
  if (text === `${subTypePrefix}2`.toLowerCase()) return 2;
  throw invalidParameter(`The VirtualSystemSubType ${String(property?.value)} is not known; it is ${subTypePrefix}1 or ${subTypePrefix}2.`);
}

/** The devices in the order asked; those not named keep their order behind. None named means no change. */
function bootOrder(configuration: MachineConfiguration, asked: Values[string] | undefined): readonly string[] {
  if (!Array.isArray(asked) || asked.length === 0 || generationOf(configuration) === 1) return configuration.bootDevices;
  const named = asked.map((path) => bootDevice(configuration, String(path)));
  return [...new Set([...named, ...configuration.bootDevices])];
}

function bootDevice(configuration: MachineConfiguration, path: string): string {
  let id: string | undefined;
  try {
    id = keyOf(parseObjectPath(path), "InstanceID")?.toLowerCase();
  } catch (error) {
    if (!(error instanceof ObjectPathError)) throw error;
  }
  const found = configuration.bootDevices.find((device) => `${device}\\B`.toLowerCase() === id);
  if (found === undefined) throw invalidParameter(`BootSourceOrder names ${path}, which is no boot source of this machine.`);
  return found;
}
