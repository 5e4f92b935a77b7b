import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { accessDenied, quotaLimit, WMI, wmiFailure } from "@signet/wsman";
import { recogniseScript } from "./schema/host-scripts.ts";
import { ScriptedHost } from "./scripted-host.ts";

const guid = "0B5A1C6E-6E1B-4F52-9B1F-3A2B1C0D9E8F";

describe("following a console", () => {
  let host: ScriptedHost;
  beforeEach(async () => {
    host = await ScriptedHost.start();
    state(2);
    const port = (number: number, Connection: string[]) => host.add("Msvm_SerialPortSettingData", { InstanceID: `Microsoft:${guid}\\S\\${number}`, ResourceSubType: "Microsoft:Hyper-V:Serial Port", Connection });
    port(1, ["\\\\.\\pipe\\other"]);
    port(0, ["\\\\.\\pipe\\signet-console"]);
  });
  afterEach(() => host.close());
  const state = (EnabledState: number) => host.set("Msvm_ComputerSystem", { CreationClassName: "Msvm_ComputerSystem", Name: guid, EnabledState });
  const pipeOf = (line: string): string | undefined => recogniseScript(Buffer.from(/-EncodedCommand (.+)$/.exec(line)?.[1] ?? "", "base64").toString("utf16le"))?.values["pipe"];
  /** Follows until the machine stops or the signal aborts. */
  async function follow(signal = new AbortController().signal): Promise<string> {
    let text = "";
    await host.connect().followConsole(guid, (part) => (text += part), signal);
    return text;
  }

  test("reads the pipe of COM1, which is the first by its id, and ends when the machine stops", async () => {
    host.program = async (line, write) => {
      assert.equal(pipeOf(line), "signet-console");
      write("stdout", "BdsDxe: starting\r\n");
      state(3);
      return 0;
    };
    assert.equal(await follow(), "BdsDxe: starting\r\n");
  });

  test("a character that comes in two pieces is one character, and a broken one does no harm", async () => {
    host.program = async (_line, write) => {
      const bytes = Buffer.from("grüße €");
      for (const byte of bytes) {
        write("stdout", Uint8Array.of(byte));
        await new Promise((settle) => setTimeout(settle, 2));
      }
      write("stdout", Uint8Array.of(0xb3, 0x41, 0xe2, 0x82));
      state(3);
      return 0;
    };
    assert.equal(await follow(), "grüße €\uFFFDA\uFFFD");
  });

  test("another reader takes over when one dies while the machine runs", async () => {
    let life = 0;
    host.program = async (_line, write) => {
      life += 1;
      write("stdout", `${life}`);
      if (life === 3) state(3);
      return life === 1 ? 1 : 0;
    };
    assert.equal(await follow(), "123");
  });

  test("waits for a pipe that is not there yet, and for a host that restarts its service", async () => {
    let attempts = 0;
    host.program = async (_line, write) => {
      attempts += 1;
      if (attempts === 1) {
        write("stderr", "Could not find the pipe.");
        return 2;
      }
      write("stdout", "here");
      state(3);
      return 0;
    };
    let failures = 3;
    host.before = (what) => { if (what.includes("Msvm_ComputerSystem") && attempts === 1 && failures-- > 0) throw wmiFailure(WMI.rpcUnavailable, "restarting"); };
    assert.equal(await follow(), "here");
  });

  test("an aborted signal ends it quietly, and the program on the host", async () => {
    const abort = new AbortController();
    let ended = false;
    host.program = async (_line, write, end) => {
      write("stdout", "text");
      setTimeout(() => abort.abort(new Error("enough")), 50);
      await end;
      ended = true;
      return 1;
    };
    assert.equal(await follow(abort.signal), "text");
    await new Promise((settle) => setTimeout(settle, 100));
    assert.ok(ended);
    assert.equal(await follow(AbortSignal.abort()), "");
  });

  test("a machine that is off has nothing to say, and one without a pipe cannot", async () => {
    state(3);
    assert.equal(await follow(), "");
    host.set("Msvm_SerialPortSettingData", { InstanceID: `Microsoft:${guid}\\S\\0`, ResourceSubType: "Microsoft:Hyper-V:Serial Port" });
    await assert.rejects(follow(), { code: "HV-NO-CONSOLE", retry: "never" });
  });

  test("consoles never take the connections that other requests need", async () => {
    const abort = new AbortController();
    host.program = async (_line, write, end) => {
      write("stdout", ".");
      await end;
      return 1;
    };
    const connected = host.connect();
    const heard = Array.from({ length: 20 }, () => Promise.withResolvers<void>());
    const following = heard.map(({ resolve }) => connected.followConsole(guid, () => resolve(), abort.signal));
    await Promise.all(heard.map(({ promise }) => promise));
    const before = performance.now();
    await connected.observe(guid, new AbortController().signal);
    assert.ok(performance.now() - before < 2000);
    abort.abort();
    await Promise.all(following);
  });

  test("what does not pass is told at once, what passes is waited for", async () => {
    host.program = () => { throw accessDenied(); };
    await assert.rejects(follow(), { code: "HV-ACCESS-DENIED", retry: "never" });
    let refused = 0;
    host.program = (_line, write) => {
      if (++refused < 3) throw quotaLimit("The user already has 30 shells.");
      write("stdout", "at last");
      state(3);
      return Promise.resolve(0);
    };
    assert.equal(await follow(), "at last");
  });
});
