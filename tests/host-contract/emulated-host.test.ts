import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ComputeHost } from "@signet/control-plane/ports";
import { startEmulatedHost, type Uncertainties } from "@signet/emulator";
import { connectHyperVHost } from "@signet/hyperv";
import { missingPrograms } from "../cloud/client-command.ts";
import { holdToContract } from "./contract.ts";

function holdEmulated(name: string, release: string, uncertainties: Partial<Uncertainties> = {}): void {
  holdToContract(name, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "signet-contract-"));
    const emulated = await startEmulatedHost({ name: `hv-${release}`, release, dataDir, listen: { host: "127.0.0.1", port: 0 }, user: "Administrator", password: "pass phrase", machines: "instant", clock: "auto", uncertainties });
    const reconnect = (): ComputeHost => connectHyperVHost({ name: emulated.name, url: emulated.url, user: "Administrator", password: "pass phrase", tlsFingerprint: null });
    const host = reconnect();
    return {
      host, reconnect,
      filesOf: async (serverId) => (await readdir(dataDir, { recursive: true })).filter((path) => path.includes(serverId)),
      close: async () => {
        await host.close();
        await emulated.close();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  }, { skip: missingPrograms("qemu-img") });
}

/** The oldest host that has Generation 2, the first with templates but without curl.exe, and one of today. */
for (const release of ["2012r2", "2016", "2022"]) holdEmulated(`emulated, ${release}`, release);

/** What nobody knows of real hosts, answered the other way: the driver must not lean on our guesses. */
holdEmulated("emulated, 2022, with every guess turned round", "2022", {
  templateVirtualSystemType: "", secureBootWhileRunning: "job", bootOrderWhileRunning: "allow", defineMakesIntegrationServices: false,
  sameStateCode: 0, methodAnswers: "return", attachLooksForFile: false, secureBootEnabledByDefault: false,
});
