import { VirtualDiskError } from "../drive/virtual-disks.ts";
import { Refusal } from "./refusal.ts";

/** Work on virtual disks, of which the host says in a job what went wrong. @throws Refusal */
export async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof VirtualDiskError) throw new Refusal(cause.code, cause.message, "job", { cause });
    throw cause;
  }
}
