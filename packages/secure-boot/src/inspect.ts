import { budgetedSource, type ByteSource, detectFormat, type Disk, DiskImageError, openDisk, openProblems, ReadBudget } from "@signet/disk-image";
import { type BootCandidate, bootPath, describeFile, findCandidate, loneCandidate } from "./inspect/boot-files.ts";
import { describeChain } from "./inspect/describe-chain.ts";
import { guessFamily } from "./inspect/guest-family.ts";
import { type OpenedLayout, openVolumes } from "./inspect/open-volumes.ts";
import { machineNames } from "./pe/pe-image.ts";
import { firmwareRules } from "./quirks/firmware-rules.ts";
import type { FirmwareName } from "./quirks/quirk.ts";
import type { ImageReport, Reason, TrustVerdict } from "./report.ts";
import { listNamedTrusts, listTemplates } from "./trust/templates.ts";
import type { Trust } from "./trust/trust.ts";
import { remediesFor, templateRemedy } from "./verdict/remedies.ts";
import { judgeUnderTrust, unknownVerdict } from "./verdict/trust-verdict.ts";

export interface InspectOptions {
  /** The image's name, as the report shall give it. */
  readonly file: string;
  readonly declaredFormat?: string | null;
  /** Default: Hyper-V's templates, as far as their contents are published. */
  readonly trusts?: readonly Trust[];
  readonly firmware?: FirmwareName;
  /** For containers that do not record it. */
  readonly sectorSizeBytes?: number;
  /** Parents of a differencing disk, nearest first. */
  readonly parents?: readonly ByteSource[];
  /** What "today" is for the question whether an authority still signs. */
  readonly now?: Date;
  readonly bytesReadMax?: number;
}

/** Counts up when the judge's rules change so that an earlier report may not hold any more. */
export const judgeRules = 2;

/** A loader, a boot loader and a kernel of any size in use, with room for tables; far below what would make a service slow. */
const BYTES_READ_MAX = 512 * 1024 * 1024;
/** Templates that can be judged against; of the third one, Microsoft has published only the name. */
const publishedTemplates: readonly Trust[] = listNamedTrusts().filter(({ name, contentsKnown }) => contentsKnown && listTemplates().some((template) => template.name === name));

/**
 * Says before boot what firmware will do with an image: container, partitions, boot path, signatures, verdict per trust. Throws
 * `DiskImageError` when the bytes cannot be read as any disk; whatever else is missing makes the verdict "unknown", with its reason.
 */
export async function inspectImage(source: ByteSource, options: InspectOptions): Promise<ImageReport> {
  const inspection = new Inspection(source, options);
  try {
    return await inspection.run();
  } catch (error) {
    if (!(error instanceof DiskImageError) || !openProblems.has(error.code)) throw error;
    return inspection.openReport(error);
  }
}

class Inspection {
  readonly #source: ByteSource;
  readonly #options: InspectOptions;
  readonly #budget: ReadBudget;
  readonly #trusts: readonly Trust[];
  #format = "raw";
  #virtualSizeBytes = 0;

  constructor(source: ByteSource, options: InspectOptions) {
    this.#budget = new ReadBudget(options.bytesReadMax ?? BYTES_READ_MAX);
    this.#source = budgetedSource(source, this.#budget);
    this.#options = options;
    this.#trusts = options.trusts ?? publishedTemplates;
  }

  async run(): Promise<ImageReport> {
    if (this.#source.sizeBytes > 0) this.#format = await detectFormat(this.#source);
    this.#virtualSizeBytes = this.#source.sizeBytes;
    if (this.#format === "efi") return this.#inspectProgram();
    const { sectorSizeBytes, parents } = this.#options;
    const disk = await openDisk(this.#source, {
      ...(sectorSizeBytes === undefined ? {} : { sectorSizeBytes }),
      parents: (parents ?? []).map((parent) => budgetedSource(parent, this.#budget)),
    });
    this.#virtualSizeBytes = disk.content.sizeBytes;
    return this.#inspectDisk(disk);
  }

  async #inspectProgram(): Promise<ImageReport> {
    const file = describeFile(this.#options.file, await this.#source.read(0, this.#source.sizeBytes));
    const candidate = await loneCandidate(file);
    const problem = file.program.bootHeaderProblem;
    const verdicts = problem === null ? this.#judge([candidate]) : this.#unbootable([{ code: "BP-NOT-AN-APPLICATION", text: `The file ${problem}.` }]);
    return this.#report({ layout: { partitioning: "none", espIndex: null, filesystem: null }, candidates: [candidate], generation: 2, path: null, verdicts, family: file.identity.family, warnings: [] });
  }

  async #inspectDisk(disk: Disk): Promise<ImageReport> {
    const layout = await openVolumes(disk);
    const candidates: BootCandidate[] = [];
    const skipped: Reason[] = [];
    for (const volume of layout.volumes) {
      const found = await findCandidate(volume);
      if ("skipped" in found) skipped.push(found.skipped);
      else candidates.push(found);
    }
    if (candidates.length === 0 && layout.table.partitioning === "none" && layout.volumes.length === 0 && disk.format === "raw" && disk.content.sizeBytes % 512 !== 0) {
      throw new DiskImageError("DI-NOT-A-DISK", `The file is no disk: it has no container's signature, no partition table, no file system, and ${disk.content.sizeBytes} bytes are no whole number of sectors.`);
    }
    const [first] = candidates;
    const family = await guessFamily(candidates, layout.volumes);
    const verdicts = first === undefined ? this.#unbootable(nothingToBoot(layout, skipped)) : this.#judge(candidates);
    const esp = first === undefined ? layout.volumes[0] : layout.volumes.find(({ number }) => number === first.partition);
    return this.#report({
      layout: { partitioning: layout.table.partitioning, espIndex: esp === undefined || esp.number === 0 ? null : esp.number, filesystem: esp?.volume.kind ?? null },
      candidates,
      generation: first !== undefined ? 2 : layout.hasLegacyBootCode ? 1 : null,
      path: first === undefined ? null : bootPath,
      verdicts,
      family,
      warnings: [...layout.warnings, ...(first === undefined ? [] : [...skipped, ...candidates.flatMap(({ warnings }) => warnings)]), ...this.#formatWarnings(disk)],
      ...(disk.variant === null ? {} : { variant: disk.variant }),
    });
  }

  #judge(candidates: readonly BootCandidate[]): readonly TrustVerdict[] {
    const rules = firmwareRules(this.#options.firmware ?? "hyper-v");
    const now = this.#options.now ?? new Date();
    const verdicts = this.#trusts.map((trust) => judgeUnderTrust(candidates, trust, rules, now));
    return verdicts.map((verdict) => {
      if (verdict.outcome !== "refused") return verdict;
      const better = publishedTemplates.find((trust) => trust.name !== verdict.trust && judgeUnderTrust(candidates, trust, rules, now).outcome === "boots");
      return better === undefined ? verdict : { ...verdict, remedies: [templateRemedy(better.name)] };
    });
  }

  #unbootable(because: readonly Reason[]): readonly TrustVerdict[] {
    return this.#trusts.map(({ name }) => ({ trust: name, outcome: "unbootable", stage: null, firmwareMessage: "Not Found", because, remedies: remediesFor(because, bootPath), serviceable: null, survivesNextRevocation: null }));
  }

  #formatWarnings(disk: Disk): readonly Reason[] {
    const warnings: Reason[] = [...disk.remarks];
    if (disk.format === "vhd") warnings.push({ code: "DI-VHD-GENERATION-2", text: "Hyper-V attaches a VHD to Generation 1 machines only. Convert it to VHDX: Convert-VHD, or qemu-img convert -O vhdx" });
    const { declaredFormat, file } = this.#options;
    const claimed = /\.(vhdx|vhd|qcow2|vmdk|vdi)$/i.exec(file)?.[1]?.toLowerCase();
    if (claimed !== undefined && claimed !== disk.format && declaredFormat == null) warnings.push({ code: "DI-NAME-DISAGREES", text: `The name ends in .${claimed}, but the content is ${disk.format}.` });
    return warnings;
  }

  /** The report on an image that cannot be judged: what is known of it, and why nothing more is. */
  openReport(error: DiskImageError): ImageReport {
    const because = [{ code: error.code, text: error.message }];
    return this.#report({ layout: { partitioning: "none", espIndex: null, filesystem: null }, candidates: [], generation: null, path: null, verdicts: this.#trusts.map(({ name }) => unknownVerdict(name, because)), family: "other", warnings: [] });
  }

  #report(found: Pick<ImageReport, "layout" | "verdicts" | "family" | "warnings"> & { candidates: readonly BootCandidate[]; generation: 1 | 2 | null; path: string | null; variant?: "fixed" | "dynamic" | "differencing" }): ImageReport {
    const [first] = found.candidates;
    const machine = first?.loader.program.image?.machine;
    return {
      file: this.#options.file,
      format: { detected: this.#format, declared: this.#options.declaredFormat ?? null, ...(found.variant === undefined ? {} : { variant: found.variant }), virtualSizeBytes: this.#virtualSizeBytes, bytesRead: this.#budget.bytesRead },
      layout: found.layout,
      boot: { path: found.path, architecture: machine === undefined ? null : (machineNames[machine] ?? `0x${machine.toString(16)}`), generation: found.generation },
      chain: first === undefined ? [] : describeChain(first),
      verdicts: found.verdicts,
      family: found.family,
      warnings: found.warnings,
    };
  }
}

function nothingToBoot(layout: OpenedLayout, skipped: readonly Reason[]): readonly Reason[] {
  if (layout.hasLegacyBootCode && skipped.every(({ code }) => code === "BP-NO-LOADER")) {
    return [{ code: "BP-GENERATION-1", text: "The disk is made for a PC's old firmware (Generation 1): it has boot code in its first sector, but no boot file for UEFI." }];
  }
  if (skipped.length > 0) return skipped;
  return [{ code: "BP-NO-FILE-SYSTEM", text: "No partition of the disk, nor the disk itself, holds a FAT file system, which is all that firmware reads." }];
}
