import { textOf } from "@signet/wsman";
import type { CimValue } from "@signet/wsman/cim";
import { listOf } from "./cim-values.ts";
import { requireState } from "./find-machine.ts";
import type { HostSession } from "./host-session.ts";
import type { PictureSize } from "./host-types.ts";
import { machineService, settingsReference } from "./references.ts";
import { describeReturnCode, methodDone } from "./return-codes.ts";

const bytesPerPixel = 2;
// Base64 of more would not fit in WinRM's envelope of 500 KiB.
const pixelsMax = 180_000;

/** The machine's screen as RGB565, little-endian, row by row. */
export async function readThumbnail(session: HostSession, guid: string, size: PictureSize): Promise<Uint8Array> {
  const { widthPixels, heightPixels } = size;
  if (!Number.isInteger(widthPixels) || !Number.isInteger(heightPixels) || widthPixels < 1 || heightPixels < 1 || widthPixels * heightPixels > pixelsMax) {
    throw new RangeError(`A picture has whole numbers of pixels, ${pixelsMax} at most; ${widthPixels} x ${heightPixels} were asked.`);
  }
  const state = await requireState(session, guid);
  if (state === "off" || state === "saved") throw session.fault("HV-STATE", `There is no picture of a machine that is ${state}.`);
  const answer = await session.invoke(machineService, "GetVirtualSystemThumbnailImage", { TargetSystem: settingsReference(guid), WidthPixels: widthPixels, HeightPixels: heightPixels });
  if (answer.ReturnValue !== methodDone) {
    const { text, retry } = describeReturnCode(answer.ReturnValue);
    throw session.fault("HV-METHOD-REFUSED", `The host gave no picture: ${text} (GetVirtualSystemThumbnailImage returned ${answer.ReturnValue}).`, { retry });
  }
  const bytes = bytesIn(answer["ImageData"] ?? null);
  const expected = widthPixels * heightPixels * bytesPerPixel;
  if (bytes.length === expected) return bytes;
  throw session.fault("HV-FAILED", `The host gave a picture of ${bytes.length} bytes; ${widthPixels} x ${heightPixels} pixels are ${expected}.`);
}

/** A uint8 array: one base64 text as WinRM writes it, or an element for each byte as WS-CIM has it. */
export function bytesIn(value: CimValue): Uint8Array {
  const texts = listOf(value).map(textOf);
  if (texts.length > 1) return Uint8Array.from(texts, Number);
  return new Uint8Array(Buffer.from(texts[0] ?? "", "base64"));
}
