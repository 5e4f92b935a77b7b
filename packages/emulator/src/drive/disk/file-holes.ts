import { execFile } from "node:child_process";
import { promisify } from "node:util";

interface Extent {
  readonly start: number;
  readonly length: number;
  readonly data: boolean;
}

// A file in more pieces than fit here is better read than asked about.
const listBytesMax = 16 * 1024 * 1024;

/**
 * Where a sparse file has nothing. Node cannot ask the file system; `qemu-img map` can. Without it, or when it cannot tell, the file
 * counts as full everywhere: it is then read, and takes longer.
 */
export class FileHoles {
  readonly #extents: readonly Extent[];

  private constructor(extents: readonly Extent[]) {
    this.#extents = extents;
  }

  static async of(localPath: string): Promise<FileHoles> {
    try {
      const { stdout } = await promisify(execFile)("qemu-img", ["map", "-U", "--output=json", "--image-opts", `driver=raw,file.driver=file,file.filename=${localPath.replaceAll(",", ",,")}`], { maxBuffer: listBytesMax });
      return new FileHoles(JSON.parse(stdout) as Extent[]);
    } catch {
      return new FileHoles([]);
    }
  }

  /** How many bytes from an offset on are known to be a hole. */
  lengthAt(offset: number): number {
    let low = 0;
    let high = this.#extents.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#extents[middle]?.start ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const extent = this.#extents[low - 1];
    return extent && !extent.data ? Math.max(0, extent.start + extent.length - offset) : 0;
  }
}
