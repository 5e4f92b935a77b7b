import type { ImageId, ServerId } from "../ids.ts";
import type { ProfileName } from "@signet/secure-boot/policy";
import type { Resources, SecureBootNeed } from "../scheduling/host-state.ts";

/** What the creation of a server was asked to do, frozen when it was asked: later changes of image or flavor do not reach it. */
export interface CreateInput {
  readonly serverId: ServerId;
  readonly requestId: string;
  readonly name: string;
  readonly image: { readonly id: ImageId; readonly name: string | null; readonly format: "vhdx" | "vhd"; readonly properties: Readonly<Record<string, string>> };
  readonly generation: 1 | 2;
  readonly needs: Resources;
  readonly secureBoot: SecureBootNeed;
  readonly policy: { readonly profile: ProfileName; readonly imageProperty: string | null; readonly flavorSpec: string | null };
  /** Connect the machine to the host's first switch. */
  readonly wantsNetwork: boolean;
}
