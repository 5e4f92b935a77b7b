import { type FirmwareName, type ImageReport, inspectImage } from "@signet/secure-boot";
import type { Trust } from "@signet/secure-boot/trust";
import { type FileSource, openFileSource } from "./file-source.ts";

export interface InspectFileOptions {
  /** Default: Hyper-V's templates. */
  readonly trusts?: readonly Trust[];
  readonly firmware?: FirmwareName;
  readonly sectorSizeBytes?: number;
  /** Paths of a differencing disk's parents, nearest first. */
  readonly parents?: readonly string[];
}

/** Judges one file. Rejects with `DiskImageError` when it is no disk, and with the system's error when it cannot be opened. */
export async function inspectFile(path: string, options: InspectFileOptions = {}): Promise<ImageReport> {
  const opened: FileSource[] = [];
  const openAndKeep = async (name: string): Promise<FileSource> => {
    const source = await openFileSource(name);
    opened.push(source);
    return source;
  };
  try {
    const source = await openAndKeep(path);
    const parents: FileSource[] = [];
    for (const parent of options.parents ?? []) parents.push(await openAndKeep(parent));
    const { trusts, firmware, sectorSizeBytes } = options;
    return await inspectImage(source, {
      file: path,
      parents,
      ...(trusts === undefined ? {} : { trusts }),
      ...(firmware === undefined ? {} : { firmware }),
      ...(sectorSizeBytes === undefined ? {} : { sectorSizeBytes }),
    });
  } finally {
    await Promise.all(opened.map((source) => source.close()));
  }
}
