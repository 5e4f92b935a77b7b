import { dateTimeFromDate } from "@signet/wsman";
import type { DriveEntry } from "../../drive/drive-files.ts";
import type { Host } from "../../host/host.ts";
import type { Values } from "../../host/machine-record.ts";
import type { ClassSource, ClassSources } from "../class-source.ts";
import type { Narrowing } from "../narrowing.ts";

export const fileClass = "CIM_DataFile";
export const folderClass = "Win32_Directory";

export const fileSources: ClassSources = { [fileClass]: sourceOf("file"), [folderClass]: sourceOf("folder") };

// A query that names no file visits the whole disk; this is where a host that holds more than an emulated one should gives up.
const visitedMax = 100_000;

/** A whole name is looked up at once, a Drive and Path lists one folder; everything else visits the drive. */
function sourceOf(kind: DriveEntry["kind"]): ClassSource {
  return async (host, narrowing) => {
    const name = narrowing.equals("Name");
    if (name !== undefined) return only(kind, [await host.files.find(name)], host);
    const folder = folderOf(narrowing);
    if (folder !== null) return only(kind, await host.files.list(folder), host);
    return only(kind, await visit(host), host);
  };
}

function folderOf(narrowing: Narrowing): string | null {
  const path = narrowing.equals("Path");
  return path === undefined || !path.startsWith("\\") ? null : `C:${path}`;
}

async function visit(host: Host): Promise<DriveEntry[]> {
  const found: DriveEntry[] = [];
  const waiting = ["C:\\"];
  for (let folder = waiting.pop(); folder !== undefined && found.length < visitedMax; folder = waiting.pop()) {
    for (const entry of await host.files.list(folder)) {
      found.push(entry);
      if (entry.kind === "folder") waiting.push(entry.path);
    }
  }
  return found;
}

function only(kind: DriveEntry["kind"], entries: readonly (DriveEntry | null)[], host: Host): Values[] {
  return entries.flatMap((entry) => (entry?.kind === kind ? [fileValues(host, entry)] : []));
}

/** WMI spells all of a file's path in lower case. */
function fileValues(host: Host, entry: DriveEntry): Values {
  const path = entry.path.toLowerCase();
  const [, drive, folder, file] = /^([a-z]:)(.*\\)([^\\]*)$/.exec(path) ?? ["", "c:", "\\", ""];
  const dot = (file ?? "").lastIndexOf(".");
  const isFile = entry.kind === "file";
  const extension = dot > 0 ? (file ?? "").slice(dot + 1) : "";
  return {
    Name: path, Caption: path, Description: path, Drive: drive ?? "c:", Path: folder ?? "\\", FileName: dot > 0 ? (file ?? "").slice(0, dot) : file ?? "", Extension: extension, EightDotThreeFileName: path,
    ...(isFile ? { FileSize: BigInt(entry.sizeBytes) } : {}), FileType: isFile ? `${extension} File` : "File Folder", Readable: true, Writeable: true, Archive: isFile, Hidden: false, System: false, Compressed: false, Encrypted: false, AccessMask: 18_809_343, Status: "OK",
    CreationDate: dateTimeFromDate(new Date(entry.createdMs)), InstallDate: dateTimeFromDate(new Date(entry.createdMs)), LastModified: dateTimeFromDate(new Date(entry.modifiedMs)), LastAccessed: dateTimeFromDate(new Date(entry.modifiedMs)),
    CSName: host.computerName, CSCreationClassName: "Win32_ComputerSystem", FSName: "NTFS", FSCreationClassName: "Win32_FileSystem", CreationClassName: "CIM_LogicalFile",
  };
}
