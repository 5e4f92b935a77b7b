import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { ComputeHost, DesiredSecureBoot, HostFacts, HostImage, MachineActual, MachineSpec } from "@signet/control-plane/ports";
import { ImageSource } from "./image-source.ts";

export interface ContractSubject {
  readonly host: ComputeHost;
  /** A second connection to the same host, which knows nothing that the first one has learned. */
  reconnect(): ComputeHost;
  /** Files that the host holds for a server, where that can be looked at from outside; null where it cannot. */
  filesOf(serverId: string): Promise<readonly string[] | null>;
  close(): Promise<void>;
}

const never = new AbortController().signal;
const MIB = 1024 ** 2;
const linuxTemplate = "272e7447-90a4-4563-a4b9-8e4ab00526ce";
type ServerId = MachineSpec["serverId"];
const newServer = (): ServerId => randomUUID() as ServerId;
const digits = (address: string): string => address.replace(/[^0-9a-f]/gi, "").toLowerCase();

/** What every implementation of the port does, whatever stands behind it. */
export function holdToContract(name: string, open: (source: ImageSource) => Promise<ContractSubject>, options: { readonly skip?: string | false; readonly sourceHost?: string } = {}): void {
  describe(`the contract of a host: ${name}`, { skip: options.skip ?? false }, () => {
    let subject: ContractSubject;
    let source: ImageSource;
    let host: ComputeHost;
    let facts: HostFacts;
    const servers: ServerId[] = [];
    before(async () => {
      source = await ImageSource.start(options.sourceHost);
      subject = await open(source);
      host = subject.host;
      facts = await host.probe(never);
    });
    after(async () => {
      // A real host is left as it was found, also when a test failed.
      for (const server of servers) await host?.destroyMachine(server, never).catch(() => undefined);
      await subject?.close();
      await source?.close();
    });

    const server = (): ServerId => {
      const id = newServer();
      servers.push(id);
      return id;
    };
    const secureBootOn = (): DesiredSecureBoot => ({ enabled: true, templateId: facts.secureBoot.templates.find(({ id }) => id === linuxTemplate)?.id ?? facts.secureBoot.templates[0]?.id ?? null });
    async function makeDisk(serverId: ServerId, format: "vhdx" | "vhd" = "vhdx"): Promise<string> {
      const { path } = await host.prepareImage(source.image(format), never);
      return (await host.createRootDisk({ serverId, imagePath: path, format }, never)).path;
    }
    async function specFor(changes: Partial<MachineSpec> = {}): Promise<MachineSpec> {
      const serverId = changes.serverId ?? server();
      return {
        serverId, name: "contract", generation: 2, cpuCount: 2, memoryBytes: 256 * MIB, secureBoot: { enabled: false, templateId: null },
        rootDiskPath: await makeDisk(serverId, changes.generation === 1 ? "vhd" : "vhdx"), nics: [{ switchName: facts.switches[0]!.name, macAddress: "02:5e:00:53:0a:01" }], serialConsole: true, ...changes,
      };
    }
    async function define(changes: Partial<MachineSpec> = {}): Promise<{ spec: MachineSpec; guid: MachineActual["guid"] }> {
      const spec = await specFor(changes);
      return { spec, guid: await host.defineMachine(spec, never) };
    }
    const read = async (serverId: ServerId): Promise<MachineActual> => {
      const actual = await host.readMachine(serverId, never);
      assert.ok(actual !== null, "the host has no such machine");
      return actual;
    };
    function assertIs(actual: MachineActual, spec: MachineSpec): void {
      assert.deepEqual(
        [actual.serverId, actual.name, actual.generation, actual.cpuCount, actual.memoryBytes, actual.secureBootEnabled],
        [spec.serverId, spec.name, spec.generation, spec.cpuCount, spec.memoryBytes, spec.secureBoot.enabled],
      );
      if (spec.secureBoot.templateId !== null) assert.equal(actual.secureBootTemplateId, spec.secureBoot.templateId);
      assert.deepEqual(actual.diskPaths.map((path) => path.toLowerCase()), [spec.rootDiskPath.toLowerCase()]);
      assert.deepEqual(actual.nics.map((nic) => [nic.switchName, digits(nic.macAddress)]), spec.nics.map((nic) => [nic.switchName, digits(nic.macAddress)]));
    }
    async function rejectsAsFault(work: Promise<unknown>, retry?: "now" | "later" | "never"): Promise<void> {
      await assert.rejects(work, (error: Error & { code?: unknown; retry?: unknown; where?: unknown }) => {
        assert.match(String(error.code), /^[A-Z]+(-[A-Z]+)+$/, String(error.stack));
        assert.ok(["now", "later", "never"].includes(String(error.retry)));
        assert.ok(typeof error.where === "string" && error.where !== "");
        assert.ok(error.message.length > 10);
        if (retry !== undefined) assert.equal(error.retry, retry, error.message);
        return true;
      });
    }

    describe("facts", () => {
      test("fit together", () => {
        assert.ok(facts.cpuCount >= 1 && facts.computerName !== "" && facts.switches.length >= 1);
        assert.ok(facts.memoryFreeBytes > 0 && facts.memoryFreeBytes <= facts.memoryBytes);
        assert.ok(facts.diskFreeBytes > 0 && facts.diskFreeBytes <= facts.diskBytes);
        assert.ok(facts.uptimeSeconds >= 0);
        assert.match(facts.osVersion, /^\d+\.\d+\.\d+$/);
        assert.match(facts.virtualHardDiskPath, /^[A-Z]:\\/i);
      });

      test("tell which guests can start with Secure Boot on", () => {
        const { generation2, families, templates } = facts.secureBoot;
        const [major, minor] = facts.osVersion.split(".").map(Number) as [number, number];
        assert.equal(generation2, major > 6 || (major === 6 && minor >= 3));
        assert.equal(families.includes("windows"), generation2);
        assert.equal(families.includes("linux"), major >= 10 && templates.some(({ id }) => id === linuxTemplate));
        if (major < 10) assert.deepEqual(templates, []);
        for (const { id, name: called } of templates) {
          assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
          assert.match(called, /^\w+$/);
        }
      });
    });

    describe("images and disks", () => {
      test("an image is prepared once, and lies under its digest", async () => {
        const first = await host.prepareImage(source.image("vhdx"), never);
        assert.ok(first.path.includes(source.image("vhdx").sha256));
        const { requests } = source;
        assert.deepEqual(await host.prepareImage(source.image("vhdx"), never), first);
        assert.equal(source.requests, requests, "the host fetched again what it had");
        assert.deepEqual(await subject.reconnect().prepareImage(source.image("vhdx"), never), first);
      });

      test("many who want the same image at once all get it", async () => {
        const paths = await Promise.all(Array.from({ length: 4 }, () => host.prepareImage(source.image("vhd"), never)));
        assert.equal(new Set(paths.map(({ path }) => path)).size, 1);
      });

      test("what has another digest is no image, however often it is tried", async () => {
        const wrong: HostImage = { ...source.image("vhdx"), sha256: "0123456789abcdef".repeat(4) };
        for (let time = 0; time < 2; time++) await rejectsAsFault(host.prepareImage(wrong, never));
      });

      test("an address that leads nowhere is a fault that can pass, and tells nobody the address", async () => {
        const lost: HostImage = { ...source.image("vhdx"), sha256: "fedcba9876543210".repeat(4), sourceUrl: source.deadAddress };
        await rejectsAsFault(host.prepareImage(lost, never), "later");
        await assert.rejects(host.prepareImage(lost, never), (error: Error) => !`${error.message}${String(error.cause)}`.includes(new URL(source.deadAddress).pathname.slice(1)));
      });

      test("a root disk is made once for each server", async () => {
        const [one, other] = [server(), server()];
        const path = await makeDisk(one);
        assert.equal(await makeDisk(one), path);
        assert.notEqual((await makeDisk(other)).toLowerCase(), path.toLowerCase());
      });

      test("a root disk needs its image", async () => {
        await rejectsAsFault(host.createRootDisk({ serverId: server(), imagePath: "C:\\no\\such\\image.vhdx", format: "vhdx" }, never), "never");
      });
    });

    describe("machines", () => {
      test("a machine with Secure Boot has it, and everything else that was asked, and is off", async () => {
        const { spec, guid } = await define({ name: "secure", secureBoot: secureBootOn() });
        const actual = await read(spec.serverId);
        assertIs(actual, spec);
        assert.deepEqual([actual.guid, actual.state], [guid, "off"]);
        assert.equal(guid, guid.toUpperCase());
        assert.ok(actual.bootOrder.length >= 1);
        assert.deepEqual(await subject.reconnect().readMachine(spec.serverId, never), actual);
      });

      test("a machine without Secure Boot has it off, although hosts turn it on by themselves", async () => {
        const { spec } = await define({ name: "plain", nics: [], cpuCount: 1, memoryBytes: 64 * MIB, serialConsole: false });
        assertIs(await read(spec.serverId), spec);
      });

      test("each template that the host lists can be had", async () => {
        for (const { id } of facts.secureBoot.templates) {
          const { spec } = await define({ name: "template", nics: [], secureBoot: { enabled: true, templateId: id } });
          assertIs(await read(spec.serverId), spec);
        }
      });

      test("a machine of generation 1 boots as one", async () => {
        const { spec } = await define({ name: "first generation", generation: 1, nics: [] });
        assertIs(await read(spec.serverId), spec);
      });

      test("two adapters keep their addresses, in their order", async () => {
        const switchName = facts.switches[0]!.name;
        const { spec } = await define({ name: "two", nics: [{ switchName, macAddress: "02:5e:00:53:0b:02" }, { switchName, macAddress: "025E00530B03" }] });
        const actual = await read(spec.serverId);
        assert.deepEqual(actual.nics.map((nic) => digits(nic.macAddress)).toSorted(), ["025e00530b02", "025e00530b03"]);
      });

      test("defining again finds the same machine, at the same time and later, over any connection", async () => {
        const spec = await specFor({ name: "again", secureBoot: secureBootOn() });
        const [first, second] = await Promise.all([host.defineMachine(spec, never), host.defineMachine(spec, never)]);
        assert.equal(second, first);
        assert.equal(await subject.reconnect().defineMachine(spec, never), first);
        assert.equal((await host.listMachines(never)).filter((machine) => machine.serverId === spec.serverId).length, 1);
        assertIs(await read(spec.serverId), spec);
      });

      test("names may hold what users like", async () => {
        const names = [`a "quoted" <name> & more; 'x' $(y) %PATH% \\ /`, "ünïcödé 名前 😀"];
        for (const one of names) {
          const { spec } = await define({ name: one, nics: [] });
          assert.equal((await read(spec.serverId)).name, one);
        }
      });

      test("a switch that does not exist is named before anything is made", async () => {
        const spec = await specFor({ nics: [{ switchName: "no such switch", macAddress: "02:5e:00:53:0c:01" }] });
        await rejectsAsFault(host.defineMachine(spec, never), "never");
        assert.equal(await host.readMachine(spec.serverId, never), null);
      });

      test("all of ours are listed, as they are read one by one", async () => {
        const made = [await define({ name: "one" }), await define({ name: "two", nics: [], secureBoot: secureBootOn() })];
        const listed = await host.listMachines(never);
        for (const { spec } of made) assert.deepEqual(listed.filter((machine) => machine.serverId === spec.serverId), [await read(spec.serverId)]);
        assert.equal(new Set(listed.map(({ guid }) => guid)).size, listed.length);
      });

      test("a server without machine is none", async () => {
        assert.equal(await host.readMachine(newServer(), never), null);
      });
    });

    describe("power", () => {
      test("starts, resets and turns off, and says so each time; again is no mistake", async () => {
        const { spec, guid } = await define({ name: "power" });
        await host.setPower(guid, "start", never);
        await host.setPower(guid, "start", never);
        assert.equal((await read(spec.serverId)).state, "running");
        assert.equal((await host.observe(guid, never)).running, true);
        await host.setPower(guid, "reset", never);
        assert.equal((await read(spec.serverId)).state, "running");
        await host.setPower(guid, "turn-off", never);
        await host.setPower(guid, "turn-off", never);
        assert.equal((await read(spec.serverId)).state, "off");
        assert.deepEqual(await host.observe(guid, never).then(({ running }) => running), false);
      });

      test("a running machine is not made anew by defining it again", async () => {
        const { spec, guid } = await define({ name: "running", nics: [] });
        await host.setPower(guid, "start", never);
        assert.equal(await host.defineMachine(spec, never), guid);
        assert.equal((await read(spec.serverId)).state, "running");
      });

      test("a machine that does not exist is a fault that never passes", async () => {
        const nobody = randomUUID().toUpperCase() as MachineActual["guid"];
        await rejectsAsFault(host.setPower(nobody, "start", never), "never");
        await rejectsAsFault(host.observe(nobody, never), "never");
      });
    });

    describe("from outside", () => {
      test("a picture has two bytes for each point", async () => {
        const { guid } = await define({ name: "picture", nics: [] });
        await host.setPower(guid, "start", never);
        assert.equal((await host.readThumbnail(guid, { widthPixels: 80, heightPixels: 60 }, never)).length, 80 * 60 * 2);
      });

      test("a console is followed until one has heard enough, or the machine stops", { timeout: 60_000 }, async () => {
        const { guid } = await define({ name: "console", nics: [] });
        await host.setPower(guid, "start", never);
        const enough = new AbortController();
        const following = host.followConsole(guid, () => {}, enough.signal);
        setTimeout(() => enough.abort(), 300);
        await following;
        const ending = host.followConsole(guid, () => {}, never);
        await new Promise((settle) => setTimeout(settle, 500));
        await host.setPower(guid, "turn-off", never);
        await ending;
      });

      test("firmware's words are understood", () => {
        assert.deepEqual(host.interpretConsole(""), { outcome: "undecided", line: null });
        const denied = 'BdsDxe: failed to load Boot0001 "UEFI Disk" from Scsi(0x0,0x0): Access Denied';
        assert.deepEqual(host.interpretConsole(`BdsDxe: loading Boot0001 "UEFI Disk" from Scsi(0x0,0x0)\n${denied}\n`), { outcome: "refused", line: denied });
        const started = 'BdsDxe: starting Boot0001 "UEFI Disk" from Scsi(0x0,0x0)';
        assert.deepEqual(host.interpretConsole(`${started}\n`), { outcome: "accepted", line: started });
      });
    });

    describe("destroying", () => {
      test("removes a running machine with all its files, and twice is once", async () => {
        const { spec, guid } = await define({ name: "gone", secureBoot: secureBootOn() });
        await host.setPower(guid, "start", never);
        for (let time = 0; time < 2; time++) await host.destroyMachine(spec.serverId, never);
        assert.equal(await host.readMachine(spec.serverId, never), null);
        assert.ok(!(await host.listMachines(never)).some((machine) => machine.serverId === spec.serverId));
        assert.deepEqual(await subject.filesOf(spec.serverId) ?? [], []);
      });

      test("removes a root disk without machine, and nothing when there is nothing", async () => {
        const id = server();
        await makeDisk(id);
        await host.destroyMachine(id, never);
        assert.deepEqual(await subject.filesOf(id) ?? [], []);
        await host.destroyMachine(newServer(), never);
      });

      test("leaves the others alone", async () => {
        const kept = await define({ name: "kept" });
        const removed = await define({ name: "removed" });
        await host.destroyMachine(removed.spec.serverId, never);
        assertIs(await read(kept.spec.serverId), kept.spec);
      });

      test("many servers come and go at once", async () => {
        const made = await Promise.all(Array.from({ length: 4 }, (_, index) => define({ name: `many ${index}`, nics: [], memoryBytes: 64 * MIB })));
        await Promise.all(made.map(({ guid }) => host.setPower(guid, "start", never)));
        await Promise.all(made.map(({ spec }) => host.destroyMachine(spec.serverId, never)));
        for (const { spec } of made) assert.equal(await host.readMachine(spec.serverId, never), null);
      });
    });
  });
}
