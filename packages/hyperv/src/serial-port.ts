import type { CimInstance } from "@signet/wsman/cim";
import type { AboutHost } from "./about-host.ts";
import { readText, readTexts } from "./cim-values.ts";
import type { HostSession } from "./host-session.ts";
import { virtualizationNamespace } from "./schema/index.ts";
import { settingsOf } from "./settings.ts";
import { ofMachine } from "./wql-text.ts";

const serialPort = "Microsoft:Hyper-V:Serial Port";
const serialPortType = 21;
const pipePrefix = "\\\\.\\pipe\\";

/** The settings of a machine's serial ports, COM1 first. Their names are localised; their ids end in their number. */
export async function readSerialPorts(session: HostSession, about: AboutHost, guid: string): Promise<readonly CimInstance[]> {
  const ports = await session.query(virtualizationNamespace, `SELECT * FROM ${serialClass(session, about)} WHERE ${ofMachine(guid)}`);
  return ports.filter((port) => readText(port, "ResourceSubType") === serialPort)
    .toSorted((left, right) => readText(left, "InstanceID").localeCompare(readText(right, "InstanceID"), "en", { numeric: true }));
}

/** COM1 as the end of a named pipe of the host, which exists while the machine is on. Without `present` it is a port to be added. */
export function connectedPort(session: HostSession, about: AboutHost, present: CimInstance | undefined, pipeName: string): CimInstance {
  const connection = { Connection: [`${pipePrefix}${pipeName}`] };
  return settingsOf(serialClass(session, about), present
    ? { InstanceID: readText(present, "InstanceID"), ...connection }
    : { ResourceType: serialPortType, ResourceSubType: serialPort, ...connection });
}

/** The name of the pipe that a port is connected to; null when it is connected to none. */
export function pipeNameOf(port: CimInstance): string | null {
  const connection = readTexts(port, "Connection").find((path) => path.toLowerCase().startsWith(pipePrefix));
  return connection === undefined ? null : connection.slice(pipePrefix.length);
}

function serialClass(session: HostSession, about: AboutHost): string {
  return about.build >= session.link.quirks.serialPortClassFromBuild ? "Msvm_SerialPortSettingData" : "Msvm_ResourceAllocationSettingData";
}
