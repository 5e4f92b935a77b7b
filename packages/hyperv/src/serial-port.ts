import type { CimInstance } from "@signet/wsman/cim";
import type { AboutHost } from "./about-host.ts";
import { readText, readTexts } from "./cim-values.ts";
import type { HostSession } from "./host-session.ts";
import { virtualizationNamespace } from "./schema/index.ts";
import { settingsOf } from "./settings.ts";
import { ofMachine } from "./wql-text.ts";

const serialPort = "Microsoft:Hyper-V:Serial Port";
const pipePrefix = "\\\\.\\pipe\\";

/** The settings of a machine's serial ports, COM1 first. Their names are localised; their ids end in their number. */
export async function readSerialPorts(session: HostSession, about: AboutHost, guid: string): Promise<readonly CimInstance[]> {
  const className = about.build >= session.link.quirks.serialPortClassFromBuild ? "Msvm_SerialPortSettingData" : "Msvm_ResourceAllocationSettingData";
  const ports = await session.query(virtualizationNamespace, `SELECT * FROM ${className} WHERE ${ofMachine(guid)}`);
  return ports.filter((port) => readText(port, "ResourceSubType") === serialPort)
    .toSorted((left, right) => readText(left, "InstanceID").localeCompare(readText(right, "InstanceID"), "en", { numeric: true }));
}

/** A port as the end of a named pipe of the host, which exists while the machine is on. */
export function connectedPort(port: CimInstance, pipeName: string): CimInstance {
  return settingsOf(port.className, { InstanceID: readText(port, "InstanceID"), Connection: [`${pipePrefix}${pipeName}`] });
}

/** The name of the pipe that a port is connected to; null when it is connected to none. */
export function pipeNameOf(port: CimInstance): string | null {
  const connection = readTexts(port, "Connection").find((path) => path.toLowerCase().startsWith(pipePrefix));
  return connection === undefined ? null : connection.slice(pipePrefix.length);
}
