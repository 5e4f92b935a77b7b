import { readFileSync } from "node:fs";
import type { ComputeHost, HostConnection } from "@signet/control-plane/ports";
import { connectHyperVHost } from "@signet/hyperv";
import { missingPrograms } from "../cloud/client-command.ts";
import { holdToContract } from "./contract.ts";

const { SIGNET_REAL_HOST: url, SIGNET_REAL_USER: user, SIGNET_REAL_PASSWORD_FILE: passwordFile, SIGNET_REAL_FINGERPRINT: fingerprint, SIGNET_REAL_SOURCE: sourceHost } = process.env;
const missing = url === undefined || user === undefined || passwordFile === undefined || sourceHost === undefined
  ? "no real host: set SIGNET_REAL_HOST (http(s)://host:port/wsman), SIGNET_REAL_USER, SIGNET_REAL_PASSWORD_FILE and SIGNET_REAL_SOURCE (an address of this computer that the host reaches)"
  : missingPrograms("qemu-img");

/** The same contract against a Hyper-V host. It makes small machines with the note of ours, and removes them again. */
holdToContract("real", async () => {
  const connection: HostConnection = { name: "real", url: url!, user: user!, password: readFileSync(passwordFile!, "utf8").trim(), tlsFingerprint: fingerprint ?? null };
  const reconnect = (): ComputeHost => connectHyperVHost(connection);
  const host = reconnect();
  return { host, reconnect, filesOf: async () => null, close: () => host.close() };
}, { skip: missing, ...(sourceHost === undefined ? {} : { sourceHost }) });
